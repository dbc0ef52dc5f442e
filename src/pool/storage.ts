/** What a pool needs of its object's storage. Narrow, so that a test can wrap it and make it fail. */
export type PoolStorage = {
  readonly sql: Pick<SqlStorage, "exec" | "databaseSize">;
  transactionSync<T>(run: () => T): T;
  getAlarm(): Promise<number | null>;
  setAlarm(at: number): Promise<void>;
  /** Resolves when everything written so far is safe. */
  sync(): Promise<void>;
  deleteAll(): Promise<void>;
};
