/** What a pool needs of its object's storage: narrow, so that a test can stand between and make it fail. */
export type PoolStorage = {
  readonly sql: Pick<SqlStorage, "exec" | "databaseSize">;
  transactionSync<T>(run: () => T): T;
  getAlarm(): Promise<number | null>;
  setAlarm(at: number): Promise<void>;
  /** Resolves when everything written so far is safe. */
  sync(): Promise<void>;
  deleteAll(): Promise<void>;
};
