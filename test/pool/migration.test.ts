/**
 * New versions on old tables: a step adds and leaves what is there; done twice it changes nothing; one that fails
 * leaves the version before whole; and the code of that version still runs on what a newer one left behind.
 */
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { toImage } from "../../src/engine/image.ts";
import { migrate, pagedVersion, schemaVersion, steps } from "../../src/pool/schema.ts";
import {
  all,
  audited,
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
    await all(pool.run([{ op: "configure" }, register("boss", 5, 100_000), ...heavy("r", 260)]));
    await all(pool.run([reserve("tail", "boss", 1), commit("tail", 2)]));
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
      await all(pool.run([reserve("after", "boss", 1)]));
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
      await all(pool.run([reserve("old code", "boss", 1), ...heavy("again", 760)]));
      await all(pool.run([commit("old code", 1)]));
      expect(await storedImage(storage)).toBe(await imageOf(pool));
      expect(await findings(storage, pool)).toEqual([]);
      expect(schemaVersion(storage)).toBe(next.length);
    }));

  for (const trimmed of ["with its whole journal", "trimmed up to a checkpoint"] as const) {
    it(`reads a pool of before pages and hashes, ${trimmed}`, () =>
      onOldTables(async (storage) => {
        const clock = Date.now() + 1_000;
        const pool = livePool(storage, () => clock);
        await all(pool.run([reserve("lapses", "boss", 7, { ttl_ms: 10 }), reserve("open", "boss", 9)]));
        await all(livePool(storage, () => clock + 100).run([commit("open", 3), reserve("held", "boss", 5)]));
        const image = await storedImage(storage);
        const first = await storeAsBefore(storage, trimmed !== "with its whole journal");

        const woken = livePool(storage, () => clock + 200);
        expect(JSON.parse(await imageOf(woken))).toEqual(JSON.parse(image));
        expect(schemaVersion(storage)).toBe(steps.length);
        expect(await findings(storage, woken)).toEqual([]);
        expect(storage.sql.exec("SELECT type FROM outbox").toArray()).toEqual([{ type: "agent.overage" }]);
        await all(woken.run([commit("lapses", 6), commit("held", 5), ...heavy("since", 260)]));
        expect(await storedImage(storage)).toBe(await imageOf(woken));
        expect(await findings(storage)).toEqual([]);
        expect(first).toBe(trimmed === "with its whole journal" ? 1 : undefined);
      }));
  }

  it("happens when the pool's object wakes, whatever it is asked first", async () => {
    for (const first of ["a read", "an audit"] as const) {
      const stub = newStub();
      await all(stub.run([{ op: "configure" }, register("boss", 5, 100_000), ...heavy("r", 260)]));
      await all(stub.run([reserve("open", "boss", 9)]));
      const before = await stub.report();
      await onStorage(stub, (storage) => storeAsBefore(storage, true));
      await evictDurableObject(stub.raw);

      if (first === "an audit") await audited(stub);
      expect(await stub.report()).toEqual(before);
      await all(stub.run([commit("open", 9)]));
      await audited(stub);
    }
  });

  it("does not happen for a pool that was never written", () =>
    onStorage(newStub(), async (storage) => {
      await livePool(storage).run([reserve("r", "boss", 1)]);
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

/**
 * Stores the pool as versions before `pagedVersion` did: one text in chunks, no hash beside a row. Where it is trimmed,
 * a checkpoint takes the place of all rows but the last. Returns the first row that is left, if it is the first of all.
 */
async function storeAsBefore(storage: DurableObjectStorage, isTrimmed: boolean): Promise<1 | undefined> {
  const { pool, head } = await livePool(storage).settled();
  const { histories, head: sums, agents, ...rest } = toImage(pool);
  const { latestHorizon: _, ...others } = sums;
  const text = JSON.stringify({
    head: { ...others, unsettledCount: pool.unsettledCount },
    agents: agents.map(({ openBytes: __, ...agent }) => agent),
    settled: histories.flatMap(({ outcomes }) => outcomes),
    ...rest,
  });
  const { sql } = storage;
  sql.exec("DELETE FROM snapshot");
  for (const table of isTrimmed ? ["snapshot", "checkpoint"] : ["snapshot"]) {
    for (let chunk = 0; chunk * 50_000 < text.length; chunk++) {
      const part = text.slice(chunk * 50_000, (chunk + 1) * 50_000);
      sql.exec(`INSERT INTO ${table} (chunk, seq, head, part) VALUES (?, ?, ?, ?)`, chunk, pool.seq, head, part);
    }
  }
  if (isTrimmed) sql.exec("DELETE FROM journal WHERE last_seq < ?", pool.seq);
  sql.exec("DELETE FROM outbox");
  sql.exec("INSERT INTO outbox (seq, notice) VALUES (1, ?)", JSON.stringify({ type: "agent.overage", data: {} }));
  sql.exec(`ALTER TABLE journal DROP COLUMN hash; DROP TABLE head; DROP TABLE restored;
    ALTER TABLE outbox DROP COLUMN type; ALTER TABLE outbox DROP COLUMN unwanted;`);
  sql.exec("DELETE FROM schema_version WHERE version >= ?", pagedVersion);
  const [first] = sql.exec<{ seq: number }>("SELECT min(first_seq) AS seq FROM journal").toArray();
  return first?.seq === 1 ? 1 : undefined;
}
