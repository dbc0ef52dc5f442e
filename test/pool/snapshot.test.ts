/**
 * Snapshots: a pool wakes from the last one and the journal behind it as if it had folded everything; any text comes
 * through the cuts between its parts; and for all its size it costs next to nothing per operation.
 */
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { foldRow } from "../../src/archive/chain.ts";
import { execute } from "../../src/engine/execute.ts";
import { fromPages, pagesOf } from "../../src/engine/image-pages.ts";
import { toImage } from "../../src/engine/image.ts";
import { emptyPool } from "../../src/engine/state.ts";
import { rowsAfter } from "../../src/pool/journal.ts";
import { loadPool } from "../../src/pool/load-pool.ts";
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
    await all(stub.run([commit("tail", 2)]));
    await audited(stub);
  });

  it("reads only what follows the snapshot", () =>
    onStorage(newStub(), async (storage) => {
      const pool = livePool(storage);
      await all(pool.execute([...setUp, ...heavy("r", 260)]));
      await all(pool.execute([reserve("tail", "boss", 1)]));
      storage.sql.exec("DELETE FROM journal WHERE last_seq <= ?", snapshotHead(storage)?.seq ?? 0);
      expect(await storedImage(storage)).toBe(await imageOf(pool));
      expect(loadPool(storage)).toMatchObject({ persistedSeq: 264, tailLength: lengthOfTail(storage) });
    }));

  it("goes on from the snapshot's length and the tail's as if it had not slept", () =>
    onStorage(newStub(), async (storage) => {
      const awake = livePool(storage);
      await all(awake.execute([...setUp, ...heavy("r", 260)]));
      await all(awake.execute(heavy("s", 20)));
      const { tailLength, snapshotLength, head, persistedSeq } = await awake.persistedMemory();
      expect(loadPool(storage)).toMatchObject({ tailLength, snapshotLength, head, persistedSeq });
    }));
});

describe("the pages of a snapshot", () => {
  const pagesIn = (storage: DurableObjectStorage): string[] =>
    storage.sql
      .exec<{ part: string }>("SELECT part FROM snapshot ORDER BY chunk")
      .toArray()
      .map(({ part }) => part);

  for (const label of ["x", "😀", "語", "\u0001", "\ud800"]) {
    it(`are JSON each, and come to the state again, whatever is in its labels: ${JSON.stringify(label)}`, () =>
      onStorage(newStub(), async (storage) => {
        const pool = livePool(storage);
        await all(pool.execute([...setUp, reserve("open", "boss", 1), ...heavy("r", 400, label)]));
        const pages = pagesIn(storage);
        expect(pages.length).toBeGreaterThan(2);
        for (const page of pages) expect(JSON.parse(page)).toBeTypeOf("object");
        expect(await storedImage(storage)).toBe(await imageOf(pool));
        expect(await findings(storage, livePool(storage))).toEqual([]);
      }));
  }

  it("stay under what a row may hold, in any script", () =>
    onStorage(newStub(), async (storage) => {
      const pool = livePool(storage);
      await all(pool.execute([...setUp, ...heavy("r", 600, "語")]));
      const largest = storage.sql
        .exec<{ row: number; part: number }>(
          `SELECT (SELECT max(length(CAST(events AS BLOB))) FROM journal) AS row,
                  (SELECT max(length(CAST(part AS BLOB))) FROM snapshot) AS part`,
        )
        .one();
      expect(largest.row).toBeGreaterThan(800_000);
      expect(largest.row).toBeLessThan(2_000_000);
      expect(largest.part).toBeGreaterThan(800_000);
      expect(largest.part).toBeLessThan(1_100_000);
      expect(await storedImage(storage)).toBe(await imageOf(pool));
    }));

  it("hold the history of one agent that is longer than a page", () => {
    const pool = emptyPool();
    const run = (command: Command): unknown => execute(pool, command, 1, []);
    for (const command of setUp) run(command);
    for (let n = 0; n < 12_000; n++) run({ op: "record", id: `r${n}`, agent: "boss", amount: 0, unit: "tokens" });
    const pages = [...pagesOf(pool, 50_000)];
    for (const page of pages) expect(page.length).toBeLessThan(51_000);
    const read = fromPages(pages.map((page) => JSON.parse(page)));
    expect(JSON.stringify(toImage(read))).toBe(JSON.stringify(toImage(pool)));
  });

  it("leaves no part of a longer snapshot behind a shorter one", () =>
    onStorage(newStub(), async (storage) => {
      const pool = livePool(storage);
      await all(pool.execute([...setUp, ...heavy("r", 300)]));
      const chunks = (): number => Number(storage.sql.exec("SELECT count(*) AS n FROM snapshot").one()["n"]);
      expect(chunks()).toBeGreaterThan(2);
      const small = emptyPool();
      writeSnapshot(storage, small, "head");
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
      await all(pool.execute(setUp));
      const operations = 20_000;
      for (let first = 0; first < operations / 2; first += 50) {
        const ids = Array.from({ length: 50 }, (_, index) => `call-${first + index}-0123456789abcdef`);
        await all(pool.execute(ids.flatMap((id) => [reserve(id, "boss", 5), commit(id, 1)])));
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
