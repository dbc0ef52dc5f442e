/**
 * Migrations: tables as numbered steps that only add. The previous version must still run on the tables that a step leaves
 * behind, because a deploy replaces objects one by one.
 */

/** What a migration needs of an object's storage. */
export type Tables = {
  readonly sql: Pick<SqlStorage, "exec">;
  transactionSync<T>(run: () => T): T;
};

/** The version of the tables; 0 if there are none. Throws if there are tables without a version. */
export function schemaVersion({ sql }: Tables): number {
  const found = sql.exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'").toArray();
  if (found.length === 0) return 0;
  const { version } = sql.exec<{ version: number | null }>("SELECT max(version) AS version FROM schema_version").one();
  // A step's number is written in one transaction with its tables: an empty table of versions is damage, not a beginning.
  if (version === null) throw new Error("the table schema_version is empty");
  return version;
}

/** Runs the missing `steps`, in one transaction. Idempotent. */
export function migrate(storage: Tables, steps: readonly string[]): void {
  const version = schemaVersion(storage);
  if (version >= steps.length) return;
  storage.transactionSync(() => {
    storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT",
    );
    for (const [index, step] of steps.entries()) {
      if (index < version) continue;
      storage.sql.exec(step);
      storage.sql.exec("INSERT INTO schema_version (version, at) VALUES (?, unixepoch() * 1000)", index + 1);
    }
  });
}
