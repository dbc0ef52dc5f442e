/**
 * New versions on old tables: a step adds and leaves what is there; done twice it changes nothing; one that fails
 * leaves the version before whole; and the code of that version still runs on what a newer one left behind.
 */
import { describe, expect, it } from "vitest";
import { migrate, schemaVersion, steps } from "../../src/pool/schema.ts";
import {
  all,
  commit,
  faulty,
  findings,
  heavy,
  imageOf,
  livePool,
  newStub,
  onStorage,
  register,
  reserve,
  storedImage,
} from "./stage.ts";

/** What a next version might bring: a table, a column with a default, an index. */
const nextStep = `
  CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
  ALTER TABLE journal ADD COLUMN compressed INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX journal_at ON journal (at);
  INSERT INTO note (id, text) SELECT first_seq, 'row ' || first_seq FROM journal;`;
const next = [...steps, nextStep];

/** A pool with a snapshot and rows behind it, in tables of today's version; `test` gets what it held. */
function onOldTables(test: (storage: DurableObjectStorage, image: string) => Promise<void>): Promise<void> {
  return onStorage(newStub(), async (storage) => {
    const pool = livePool(storage);
    await all(pool.execute([{ op: "configure" }, register("boss", 5, 100_000), ...heavy("r", 260)]));
    await all(pool.execute([reserve("tail", "boss", 1), commit("tail", 2)]));
    const image = await imageOf(pool);
    expect(schemaVersion(storage)).toBe(steps.length);
    await test(storage, image);
  });
}

/** Everything in every table, and how the tables are made. */
function contents(storage: DurableObjectStorage): string {
  const tables = storage.sql
    .exec<{ name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '\\_%' ESCAPE '\\' ORDER BY name",
    )
    .toArray();
  const rows = tables
    .filter(({ sql }) => sql.startsWith("CREATE TABLE"))
    .map(({ name }) => storage.sql.exec(`SELECT * FROM "${name}"`).toArray());
  return JSON.stringify([tables, rows]);
}

describe("a migration", () => {
  it("leaves what is there, and adds what is new", () =>
    onOldTables(async (storage, image) => {
      const rows = storage.sql.exec("SELECT first_seq, last_seq, at, previous, events FROM journal").toArray();
      migrate(storage, next);
      expect(schemaVersion(storage)).toBe(next.length);
      expect(storage.sql.exec("SELECT first_seq, last_seq, at, previous, events FROM journal").toArray()).toEqual(rows);
      expect(storage.sql.exec("SELECT * FROM note").toArray().length).toBe(rows.length);
      expect(await storedImage(storage)).toBe(image);
      expect(await findings(storage)).toEqual([]);
    }));

  it("makes everything at once where nothing is, the same as step by step", async () => {
    const tables = (storage: DurableObjectStorage) =>
      storage.sql.exec("SELECT name, sql FROM sqlite_master ORDER BY name").toArray();
    const atOnce = await onStorage(newStub(), async (storage) => {
      migrate(storage, next);
      return tables(storage);
    });
    const stepwise = await onStorage(newStub(), async (storage) => {
      for (let version = 1; version <= next.length; version++) migrate(storage, next.slice(0, version));
      return tables(storage);
    });
    expect(stepwise).toEqual(atOnce);
  });

  it("done twice changes nothing", () =>
    onOldTables(async (storage) => {
      migrate(storage, next);
      const once = contents(storage);
      migrate(storage, next);
      expect(contents(storage)).toBe(once);
    }));

  for (const when of ["before", "after"] as const) {
    it(`leaves the old version whole when a statement fails ${when} it runs, and can be repeated`, () =>
      onOldTables(async (storage, image) => {
        const before = contents(storage);
        const failed: string[] = [];
        while (failed.length < 10 && fails(storage, failed.length + 1, when)) {
          failed.push(contents(storage) === before ? "whole" : "changed");
        }
        expect(failed).toEqual(["whole", "whole", "whole", "whole", "whole"]);
        expect(schemaVersion(storage)).toBe(next.length);
        expect(await storedImage(storage)).toBe(image);
      }));
  }

  it("leaves the old version whole when its last statement is wrong", () =>
    onOldTables(async (storage, image) => {
      const before = contents(storage);
      for (const broken of [`${nextStep} INSERT INTO nowhere VALUES (1)`, `${nextStep} CREATE TABLE journal (x)`]) {
        expect(() => migrate(storage, [...steps, broken])).toThrow(/nowhere|already exists/);
        expect(contents(storage)).toBe(before);
      }
      const pool = livePool(storage);
      expect(await imageOf(pool)).toBe(image);
      await all(pool.execute([reserve("after", "boss", 1)]));
      expect(await findings(storage, pool)).toEqual([]);
    }));

  it("leaves what the code of the version before still runs on", () =>
    onOldTables(async (storage, image) => {
      migrate(storage, next);
      const migrated = contents(storage);
      migrate(storage);
      expect(contents(storage)).toBe(migrated);

      const pool = livePool(storage);
      expect(await imageOf(pool)).toBe(image);
      await all(pool.execute([reserve("old code", "boss", 1), ...heavy("again", 760)]));
      await all(pool.execute([commit("old code", 1)]));
      expect(await storedImage(storage)).toBe(await imageOf(pool));
      expect(await findings(storage, pool)).toEqual([]);
      expect(schemaVersion(storage)).toBe(next.length);
    }));

  it("does not happen for a pool that was never written", () =>
    onStorage(newStub(), async (storage) => {
      await livePool(storage).execute([reserve("r", "boss", 1)]);
      expect(storage.sql.exec("SELECT name FROM sqlite_master").toArray()).toEqual([]);
    }));
});

/** Whether a migration fails whose `nth` statement does. */
function fails(storage: DurableObjectStorage, nth: number, when: "before" | "after"): boolean {
  const failing = faulty(
    storage,
    (_, count) => {
      if (count === nth) throw new Error("the disk is full");
    },
    when,
  );
  try {
    migrate(failing, next);
  } catch {
    return true;
  }
  return false;
}
