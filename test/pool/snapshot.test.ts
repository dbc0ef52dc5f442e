/**
 * Snapshots: a pool wakes from the last one and the journal behind it as if it had folded everything; any text comes
 * through the cuts between its parts; and for all its size it costs next to nothing per operation.
 */
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { foldRow } from "../../src/archive/chain.ts";
import { toImage } from "../../src/engine/image.ts";
import { emptyPool } from "../../src/engine/state.ts";
import { rowsAfter } from "../../src/pool/journal.ts";
import { remember } from "../../src/pool/memory.ts";
import { migrate } from "../../src/pool/schema.ts";
import { isDue, readSnapshot, snapshotHead, writeSnapshot } from "../../src/pool/snapshot.ts";
import type { Command } from "../../src/protocol/commands.ts";
import {
  all,
  audited,
  commit,
  counted,
  findings,
  heavy,
  imageOf,
  livePool,
  newStub,
  nothingWritten,
  onStorage,
  register,
  reserve,
  rowsOf,
  someday,
  storedImage,
} from "./stage.ts";

const setUp: readonly Command[] = [{ op: "configure" }, register("boss", 5, 100_000), register("helper", 1)];

/** The whole journal folded from its first event, whatever the snapshot says. */
function refolded(storage: DurableObjectStorage): string {
  const pool = emptyPool();
  for (const row of rowsAfter(storage, 0, 100_000)) foldRow(pool, row);
  return JSON.stringify(toImage(pool));
}

describe("a pool with a long history", () => {
  it("wakes from its snapshot and what follows to the state it had", async () => {
    const stub = newStub();
    await all(stub.run(setUp));
    for (let batch = 0; batch < 5; batch++) await all(stub.run(heavy(`b${batch}-`, 180)));
    await all(stub.run([reserve("tail", "boss", 1), commit("tail", 2), ...heavy("more", 10)]));
    const report = await stub.report();
    await onStorage(stub, async (storage) => {
      const snapshot = snapshotHead(storage);
      expect(snapshot?.seq).toBeGreaterThan(300);
      expect(rowsAfter(storage, snapshot?.seq ?? 0, 1_000).length).toBeGreaterThan(0);
      expect(await storedImage(storage)).toBe(refolded(storage));
    });
    await evictDurableObject(stub.raw);
    expect(await stub.report()).toEqual(report);
    await all(stub.run([commit("tail", 2), commit("more3", 1)]));
    await audited(stub);
  });

  it("reads only what follows the snapshot", () =>
    onStorage(newStub(), async (storage) => {
      const pool = livePool(storage);
      await all(pool.run([...setUp, ...heavy("r", 260)]));
      await all(pool.run([reserve("tail", "boss", 1)]));
      storage.sql.exec("DELETE FROM journal WHERE last_seq <= ?", snapshotHead(storage)?.seq ?? 0);
      expect(await storedImage(storage)).toBe(await imageOf(pool));
      expect(remember(storage)).toMatchObject({ persistedSeq: 264, tailLength: lengthOfTail(storage) });
    }));

  it("goes on from the snapshot's length and the tail's as if it had not slept", () =>
    onStorage(newStub(), async (storage) => {
      const awake = livePool(storage);
      await all(awake.run([...setUp, ...heavy("r", 260)]));
      await all(awake.run(heavy("s", 20)));
      const { tailLength, snapshotLength, head, persistedSeq } = await awake.settled();
      expect(remember(storage)).toMatchObject({ tailLength, snapshotLength, head, persistedSeq });
    }));
});

describe("text at the cuts between parts", () => {
  /** Each shifts the text by one more character, so that a cut falls on either half of a pair. */
  for (const shift of [0, 1, 2, 3]) {
    it(`comes through whole, whatever a cut falls on (${shift})`, () =>
      onStorage(newStub(), async (storage) => {
        const pool = livePool(storage);
        await all(pool.run([...setUp, reserve("i".repeat(1 + shift), "boss", 1)]));
        await all(pool.run(heavy("r", 300, "😀")));
        const parts = storage.sql.exec<{ part: string }>("SELECT part FROM snapshot ORDER BY chunk").toArray();
        expect(parts.length).toBeGreaterThan(2);
        for (const { part } of parts) expect(part.includes("\ufffd")).toBe(false);
        expect(await storedImage(storage)).toBe(await imageOf(pool));
        expect(await findings(storage, livePool(storage))).toEqual([]);
      }));
  }

  it("is cut where a part would end within a pair", () =>
    onStorage(newStub(), async (storage) => {
      migrate(storage);
      const cuts = new Set<number>();
      for (const shift of [0, 1]) {
        const pool = emptyPool();
        const booking = {
          op: "record",
          agent: "boss",
          amount: 0,
          overage: 0,
          at: 0,
          seq: 1,
          confidence: undefined,
        } as const;
        const metadata = { label: "x".repeat(shift) + "😀".repeat(400_000) };
        pool.remembered.set("u", { ...booking, id: "u", metadata, transfers: [], donors: [] });
        storage.transactionSync(() => writeSnapshot(storage, pool, "head"));
        const read = readSnapshot(storage);
        expect(JSON.stringify(toImage(read?.pool ?? emptyPool()))).toBe(JSON.stringify(toImage(pool)));
        const [first] = storage.sql.exec<{ part: string }>("SELECT part FROM snapshot WHERE chunk = 0").toArray();
        cuts.add(first?.part.length ?? 0);
      }
      expect([...cuts].sort((a, b) => a - b)).toEqual([330_000, 330_001]);
    }));

  it("stays under what a row may hold, in any script", () =>
    onStorage(newStub(), async (storage) => {
      const pool = livePool(storage);
      await all(pool.run([...setUp, ...heavy("r", 600, "語")]));
      const largest = storage.sql
        .exec<{ row: number; part: number }>(
          `SELECT (SELECT max(length(CAST(events AS BLOB))) FROM journal) AS row,
                  (SELECT max(length(CAST(part AS BLOB))) FROM snapshot) AS part`,
        )
        .one();
      expect(largest.row).toBeGreaterThan(800_000);
      expect(largest.row).toBeLessThan(2_000_000);
      expect(largest.part).toBeGreaterThan(800_000);
      expect(largest.part).toBeLessThan(1_000_000);
      expect(await storedImage(storage)).toBe(await imageOf(pool));
    }));

  it("leaves no part of a longer snapshot behind a shorter one", () =>
    onStorage(newStub(), async (storage) => {
      const pool = livePool(storage);
      await all(pool.run([...setUp, ...heavy("r", 300)]));
      const chunks = (): number => Number(storage.sql.exec("SELECT count(*) AS n FROM snapshot").one()["n"]);
      expect(chunks()).toBeGreaterThan(2);
      const small = emptyPool();
      storage.transactionSync(() => writeSnapshot(storage, small, "head"));
      expect(chunks()).toBe(1);
      expect(readSnapshot(storage)?.pool).toEqual(small);
    }));
});

describe("the cost of snapshots", () => {
  it("is at most a row in a hundred operations", { timeout: 60_000 }, () =>
    onStorage(newStub(), async (storage) => {
      const writes = nothingWritten();
      let now = someday;
      const pool = livePool(counted(storage, writes), () => now);
      await all(pool.run(setUp));
      const operations = 20_000;
      for (let first = 0; first < operations / 2; first += 50) {
        const ids = Array.from({ length: 50 }, (_, index) => `call-${first + index}-0123456789abcdef`);
        await all(pool.run(ids.flatMap((id) => [reserve(id, "boss", 5), commit(id, 1)])));
        now += 50;
      }
      const snapshotRows = rowsOf(writes, "INSERT OR REPLACE INTO snapshot") + rowsOf(writes, "DELETE FROM snapshot");
      const journalRows = rowsOf(writes, "INSERT INTO journal");
      console.info(`${operations} operations: ${journalRows} journal rows, ${snapshotRows} snapshot rows`);
      expect(snapshotRows).toBeGreaterThan(0);
      expect(snapshotRows / operations).toBeLessThanOrEqual(0.01);
      expect(journalRows).toBe(1 + operations / 100);
      expect(await storedImage(storage)).toBe(await imageOf(pool));
      expect(await findings(storage, pool)).toEqual([]);
    }),
  );

  it("does not grow with the state: the journal must double it before the next is written", () => {
    expect(isDue(79_999_999, 40_000_000)).toBe(false);
    expect(isDue(80_000_000, 40_000_000)).toBe(true);
    expect(isDue(999_999, 500)).toBe(false);
    expect(isDue(1_000_000, 500)).toBe(true);
    expect(isDue(1_000_000, 0)).toBe(true);
  });
});

function lengthOfTail(storage: DurableObjectStorage): number {
  const rows = rowsAfter(storage, snapshotHead(storage)?.seq ?? 0, 1_000);
  return rows.reduce((sum, { events }) => sum + events.length, 0);
}
