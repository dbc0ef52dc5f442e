/**
 * What is written, when, and that the past can't be changed unseen: deliveries that arrive together share a row, nobody
 * hears of what is not stored, alarms are few, and the chain of hashes shows every change.
 */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { endOf, rowsAfter } from "../../src/pool/journal.ts";
import type { LivePool } from "../../src/pool/live-pool.ts";
import type { Command } from "../../src/protocol/commands.ts";
import {
  again,
  all,
  anybody,
  audited,
  commit,
  counted,
  findings,
  heavy,
  imageOf,
  livePool,
  newPool,
  newStub,
  nothingWritten,
  onStorage,
  register,
  reserve,
  rowsOf,
  type Stub,
  someday,
  storedImage,
  type Written,
} from "./stage.ts";

afterEach(() => void vi.useRealTimers());

const setUp: readonly Command[] = [{ op: "configure" }, register("boss", 5, 100_000), register("helper", 1)];
const grid = 30_000;

type Counted = {
  readonly pool: LivePool;
  readonly storage: DurableObjectStorage;
  /** What was written since it was last asked. */
  readonly written: () => Written;
  readonly waits: (ms: number) => void;
};

/** A pool with two agents, whose writes are counted and whose clock is moved by hand. */
function onCounted(test: (stage: Counted) => Promise<void>): Promise<void> {
  return onStorage(newStub(), async (storage) => {
    let now = someday;
    const writes = nothingWritten();
    const written = (): Written => ({ statements: writes.statements.splice(0), alarms: writes.alarms.splice(0) });
    const pool = livePool(counted(storage, writes), () => now);
    await all(pool.execute(setUp));
    written();
    await test({ pool, storage, written, waits: (ms) => void (now += ms) });
  });
}

describe("group commit", () => {
  it("stores deliveries that arrive together in one row, by one statement", () =>
    onCounted(async ({ pool, storage, written }) => {
      const before = rowsAfter(storage, 0, 100).length;
      const deliveries = Array.from({ length: 20 }, (_, k) =>
        pool.execute([reserve(`r${k}`, "boss", 1), commit(`r${k}`, 1)]),
      );
      const [seq] = await Promise.all([pool.read((state) => state.seq), ...deliveries]);
      const { statements } = written();
      expect(statements).toEqual([{ text: expect.stringContaining("INSERT INTO journal"), rows: 1 }]);
      expect(rowsAfter(storage, 0, 100).length).toBe(before + 1);
      expect(seq).toBe(3 + 40);
      expect(endOf(storage)).toMatchObject({ seq: 43 });
    }));

  it("stores a batch in one row", () =>
    onCounted(async ({ pool, written }) => {
      await all(pool.execute(Array.from({ length: 500 }, (_, k) => reserve(`r${k}`, "boss", 1))));
      expect(rowsOf(written(), "INSERT INTO journal")).toBe(1);
    }));

  it("writes two rows for a reserve and a commit made alone, and nothing else once an alarm is set", () =>
    onCounted(async ({ pool, written }) => {
      await all(pool.execute([reserve("first", "boss", 1)]));
      expect(written().alarms.length).toBe(1);
      for (const id of ["a", "b", "c"]) {
        await all(pool.execute([reserve(id, "boss", 10)]));
        await all(pool.execute([commit(id, 9)]));
        const { statements, alarms } = written();
        expect(statements.map(({ rows }) => rows)).toEqual([1, 1]);
        expect(alarms).toEqual([]);
      }
    }));

  it("writes nothing for a refusal, a repeat, a command that changes nothing, or a read", () =>
    onCounted(async ({ pool, written }) => {
      await all(pool.execute([reserve("r", "boss", 10)]));
      written();
      await pool.execute([reserve("r", "boss", 10), reserve("s", "helper", 1_000_000), { op: "configure" }]);
      await pool.read((state) => state.seq);
      expect(written()).toEqual(nothingWritten());
    }));

  it("keeps the order in which deliveries came, and shares rows, through the object too", async () => {
    const stub = await newPool();
    const deliveries = Array.from({ length: 30 }, (_, k) => stub.run([reserve(`r${k}`, "boss", 1)]));
    const results = await Promise.all(deliveries.map((delivery) => all(delivery)));
    expect(results.flat().map(({ seq }) => seq)).toEqual(Array.from({ length: 30 }, (_, k) => 4 + k));
    const rows = await onStorage(stub, async (storage) => rowsAfter(storage, 3, 100).length);
    // How many share one is up to the disk: a row is written as soon as the one before is safe.
    expect(rows).toBeLessThan(30);
    await audited(stub);
  });
});

describe("an answer", () => {
  it("comes when what it says is stored, whoever asks", () =>
    onCounted(async ({ pool, storage }) => {
      const stored = (): number => endOf(storage)?.seq ?? 0;
      const storedAt: Record<string, number> = {};
      const noted = (name: string, answer: Promise<unknown>) => answer.then(() => (storedAt[name] = stored()));
      const answers = [
        noted("the one who wrote", pool.execute([reserve("r", "boss", 10)])),
        noted("one who repeats it", pool.execute([reserve("r", "boss", 10)])),
        noted("one who is refused on account of it", pool.execute([{ ...reserve("r", "boss", 11) }])),
        noted("one who is refused and would have waited", pool.execute([reserve("s", "helper", 1_000_000)])),
        noted(
          "one who reads",
          pool.read((state) => state.seq),
        ),
        noted("one who reads all", pool.persistedMemory()),
      ];
      expect(stored()).toBe(3);
      await Promise.all(answers);
      expect([...new Set(Object.values(storedAt))]).toEqual([4]);
      expect(Object.keys(storedAt).length).toBe(6);
    }));

  it("is all that an abort can't take: what was not answered may be asked again", async () => {
    const stub = await newPool();
    await all(stub.run([reserve("answered", "boss", 100)]));
    const unanswered = [[reserve("lost", "boss", 200)], [reserve("lost too", "boss", 300), commit("answered", 90)]];
    await runInDurableObject(stub.raw, async (instance, state) => {
      for (const commands of unanswered) void instance.execute(anybody, commands).catch(() => undefined);
      state.abort("the host went away");
    }).catch(() => undefined);

    const survivor = again(stub);
    expect(await survivor.reservation("answered")).toMatchObject({ ok: true, result: { state: "held", granted: 100 } });
    expect(await survivor.reservation("lost")).toMatchObject({ ok: false });
    expect(await survivor.reservation("lost too")).toMatchObject({ ok: false });
    for (const commands of unanswered) {
      for (const result of await all(survivor.run(commands))) expect(result).not.toHaveProperty("replayed");
    }
    await audited(survivor);
  });
});

describe("the alarm", () => {
  it("is set anew only for a lease that ends before it, on a grid of 30 seconds, never before the lease ends", () =>
    onCounted(async ({ pool, written }) => {
      const leases = [95_000, 300_000, 90_500, 119_999, 65_000, 64_000, 20_000, 25_000, 1_000, 86_400_000];
      const set: number[] = [];
      for (const [index, ttl_ms] of leases.entries()) {
        await all(pool.execute([reserve(`r${index}`, "boss", 1, { ttl_ms })]));
        const { alarms } = written();
        for (const at of alarms) expect(at % grid).toBe(0);
        for (const at of alarms) expect(at).toBeGreaterThanOrEqual(someday + ttl_ms);
        set.push(...alarms);
      }
      const gridAt = (ttl: number): number => Math.ceil((someday + ttl) / grid) * grid;
      expect(set).toEqual([gridAt(95_000), gridAt(65_000), gridAt(20_000)]);
    }));

  it("is set once for leases that are taken one after another", () =>
    onCounted(async ({ pool, written, waits }) => {
      let alarms = 0;
      for (let n = 0; n < 60; n++) {
        await all(pool.execute([reserve(`r${n}`, "boss", 1)]));
        waits(1_000);
        await all(pool.execute([commit(`r${n}`, 1)]));
        alarms += written().alarms.length;
      }
      expect(alarms).toBe(1);
    }));

  it("is not set while nothing is open, and not again once nothing is", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: someday });
    const stub = await newPool();
    const alarmOf = (): Promise<number | null> => alarmTime(stub);
    expect(await alarmOf()).toBeNull();
    await all(stub.run([reserve("r", "boss", 1), reserve("long", "boss", 1, { ttl_ms: 3_600_000 })]));
    const first = (await alarmOf()) ?? 0;
    expect(first).toBeGreaterThan(someday);

    await all(stub.run([commit("r", 1)]));
    vi.setSystemTime(first);
    expect(await runDurableObjectAlarm(stub.raw)).toBe(true);
    const second = (await alarmOf()) ?? 0;
    expect(second).toBeGreaterThanOrEqual(someday + 3_600_000);

    await all(stub.run([{ op: "release", id: "long" }]));
    vi.setSystemTime(second);
    expect(await runDurableObjectAlarm(stub.raw)).toBe(true);
    expect(await alarmOf()).toBeNull();
    expect(await runDurableObjectAlarm(stub.raw)).toBe(false);
  });

  it("is set again after waking if it is overdue and never ran", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: someday });
    const stub = await newPool();
    await all(stub.run([reserve("r", "boss", 1, { ttl_ms: 1_000 })]));
    await evictDurableObject(stub.raw);
    vi.setSystemTime(someday + 3_600_000);
    await all(stub.run([reserve("s", "boss", 1, { ttl_ms: 1_000 })]));
    const alarmAt = await alarmTime(stub);
    // Soon, because the lease that ended is a notification for whoever listens; then for the one that is open.
    expect(alarmAt).toBe(someday + 3_601_000);
    vi.setSystemTime(someday + 3_601_000);
    expect(await runDurableObjectAlarm(stub.raw)).toBe(true);
    expect(await alarmTime(stub)).toBeNull();
  });

  it("is set again after waking if it is overdue and never ran, for a lease that is open", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: someday });
    const stub = await newPool();
    await all(stub.run([reserve("r", "boss", 1, { ttl_ms: 1_000 })]));
    await all(stub.run([{ op: "release", id: "r" }]));
    await evictDurableObject(stub.raw);
    vi.setSystemTime(someday + 3_600_000);
    await all(stub.run([reserve("s", "boss", 1, { ttl_ms: 1_000 })]));
    expect(await alarmTime(stub)).toBe(Math.ceil((someday + 3_601_000) / grid) * grid);
  });

  it("is gone with the pool", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: someday });
    const stub = await newPool();
    await all(stub.run([reserve("r", "boss", 1)]));
    await stub.remove(true);
    expect(await runInDurableObject(stub.raw, (_, { storage }) => storage.getAlarm())).toBeNull();
    await all(stub.run([...setUp, reserve("r", "boss", 1)]));
    expect(await runInDurableObject(stub.raw, (_, { storage }) => storage.getAlarm())).not.toBeNull();
  });
});

describe("the chain of hashes", () => {
  it("is the SHA-256 of each row in the one after it, from zeros on", async () => {
    const stub = await journaled();
    const rows = await onStorage(stub, async (storage) => rowsAfter(storage, 0, 100));
    let head = "0".repeat(64);
    for (const { first_seq, last_seq, at, previous, events } of rows) {
      expect(previous).toBe(head);
      head = await sha256(`${previous}\n${first_seq}\n${last_seq}\n${at}\n${events}`);
    }
    expect(rows.length).toBe(8);
  });

  const tampering: { readonly [what: string]: { readonly sql: string; readonly found: RegExp } } = {
    "an amount in a row's events is changed": {
      sql: `UPDATE journal SET events = replace(events, '"granted":11', '"granted":12') WHERE first_seq = 5`,
      found: /journal row 5: it was changed/,
    },
    "a label that no sum depends on is changed": {
      sql: `UPDATE journal SET events = replace(events, 'honest', 'forged') WHERE first_seq = 6`,
      found: /journal row 6: it was changed/,
    },
    "a space is added to a row's events": {
      sql: "UPDATE journal SET events = events || ' ' WHERE first_seq = 7",
      found: /journal row 7: it was changed/,
    },
    "a row's time is changed": {
      sql: "UPDATE journal SET at = at - 1 WHERE first_seq = 6",
      found: /journal row 6: it was changed/,
    },
    "the hash that a row carries is changed": {
      sql: "UPDATE journal SET previous = replace(previous, substr(previous, 1, 8), '00000000') WHERE first_seq = 6",
      found: /journal row 6: it does not carry the hash of the row before it/,
    },
    "a row in the middle is deleted": {
      sql: "DELETE FROM journal WHERE first_seq = 6",
      found: /journal row 7: it does not carry the hash of the row before it/,
    },
    "a row in the middle is deleted and the ones behind it are moved up": {
      sql: `DELETE FROM journal WHERE first_seq = 8;
            UPDATE journal SET first_seq = 8, last_seq = 8 WHERE first_seq = 9;
            UPDATE journal SET first_seq = 9, last_seq = 9 WHERE first_seq = 10`,
      found: /journal row 8: it does not carry the hash of the row before it/,
    },
    "two rows are swapped": {
      sql: `UPDATE journal SET events = (SELECT events FROM journal AS other WHERE other.first_seq = 15 - journal.first_seq)
            WHERE first_seq IN (7, 8)`,
      found: /journal row 7: it was changed/,
    },
    "the first row is deleted": {
      sql: "DELETE FROM journal WHERE first_seq = 1",
      found: /journal row 4: it does not carry the hash of the row before it/,
    },
    "the last row is deleted": {
      sql: "DELETE FROM journal WHERE first_seq = 10",
      found: /the last row's hash is not the one in memory/,
    },
    "the last row is changed": {
      sql: `UPDATE journal SET events = replace(events, '"granted":16', '"granted":1') WHERE first_seq = 10`,
      found: /journal row 10: it was changed/,
    },
    "a row is added": {
      sql: `INSERT INTO journal (first_seq, last_seq, at, previous, events, hash)
            SELECT 11, 11, at, previous, replace(events, '"r16"', '"r17"'), hash FROM journal WHERE first_seq = 10`,
      found: /journal row 11: it does not carry the hash of the row before it/,
    },
    "a row is made unreadable": {
      sql: "UPDATE journal SET events = substr(events, 2) WHERE first_seq = 6",
      found: /journal row 6: it was changed/,
    },
  };

  for (const [what, { sql, found }] of Object.entries(tampering)) {
    it(`shows in the audit when ${what}`, async () => {
      const stub = await journaled();
      await audited(stub);
      const changed = await onStorage(stub, async (storage) => {
        const before = JSON.stringify(rowsAfter(storage, 0, 100));
        storage.sql.exec(sql);
        return JSON.stringify(rowsAfter(storage, 0, 100)) !== before;
      });
      expect(changed).toBe(true);
      const answer = await stub.audit();
      if (!answer.ok) throw new Error("there is no audit");
      expect(answer.result.ok).toBe(false);
      expect(answer.result.findings.join("\n")).toMatch(found);
    });
  }

  const snapshotTampering: { readonly [what: string]: { readonly sql: string; readonly found: RegExp } } = {
    "a number in a part of it is changed": {
      sql: `UPDATE snapshot SET part = replace(part, '"amount":1,', '"amount":2,') WHERE chunk = 1`,
      found: /folding the journal gives another state/,
    },
    "a label in it is changed": {
      sql: `UPDATE snapshot SET part = replace(part, 'xxxxx"', 'xxxxy"') WHERE chunk = 2`,
      found: /folding the journal gives another state/,
    },
    "it is said to be of another journal": {
      sql: "UPDATE snapshot SET head = replace(head, substr(head, 1, 8), '00000000')",
      found: /the snapshot was taken of another journal/,
    },
  };

  for (const [what, { sql, found }] of Object.entries(snapshotTampering)) {
    it(`shows a changed snapshot in the audit once the pool has woken from it: ${what}`, async () => {
      const stub = newStub();
      await all(stub.run([...setUp, ...heavy("r", 270)]));
      await audited(stub);
      await onStorage(stub, async (storage) => {
        expect(storage.sql.exec("SELECT * FROM snapshot").toArray().length).toBeGreaterThan(2);
        storage.sql.exec(sql);
      });
      await evictDurableObject(stub.raw);
      const answer = await stub.audit();
      expect(answer).toMatchObject({ ok: true, result: { ok: false } });
      expect(JSON.stringify(answer)).toMatch(found);
    });
  }
});

describe("an audit", () => {
  it("lets others be answered while it reads a long journal", async () => {
    const stub = newStub();
    await all(stub.run(setUp));
    await onStorage(stub, async (storage) => {
      // Rows as a pool of long standing has them; written here at once.
      const copy = livePool(storage);
      for (let n = 0; n < 1_500; n++) await copy.execute([reserve(`r${n}`, "boss", 1)]);
    });
    await evictDurableObject(stub.raw);
    const order: string[] = [];
    const audits = stub.audit().then((answer) => order.push(`audit ${answer.ok && answer.result.ok}`));
    const reads = stub.settings().then(({ ok }) => order.push(`read ${ok}`));
    await Promise.all([audits, reads]);
    expect(order).toEqual(["read true", "audit true"]);
  });

  it("does not take for damage what is delivered in the moment it compares", () =>
    onCounted(async ({ pool, storage }) => {
      const deliveries = (async () => {
        for (let n = 0; n < 300; n++) await pool.execute([reserve(`r${n}`, "boss", 1)]);
      })();
      const found: string[] = [];
      for (let audits = 0; audits < 30; audits++) found.push(...(await findings(storage, pool)));
      await deliveries;
      expect(found).toEqual([]);
    }));
});

describe("a removal", () => {
  it("takes no open reservation with it that came while it was under way, unless it is forced", async () => {
    const stub = await newPool();
    const [, removed, [outcome]] = await Promise.all([
      stub.run([{ op: "fund", id: "f", amount: 1, unit: "tokens" }]),
      stub.remove(false),
      stub.run([reserve("r", "boss", 1)]),
    ]);
    if (outcome?.ok === true) {
      expect(removed).toMatchObject({ ok: false, refusal: { code: "contract_conflict", needed: 1 } });
      expect(await stub.reservation("r")).toMatchObject({ ok: true, result: { state: "held" } });
    } else {
      expect(removed).toMatchObject({ ok: true });
    }
  });

  it("leaves nothing of what was delivered in the moment before it", () =>
    onCounted(async ({ pool, storage }) => {
      const first = pool.execute([reserve("r", "boss", 1)]);
      const second = first.then(() => pool.execute([reserve("s", "boss", 1)]));
      await Promise.allSettled([second, pool.remove(true)]);
      await pool.persistedMemory();
      expect(await imageOf(pool)).toBe(await storedImage(storage));
      await all(pool.execute(setUp));
      expect(await imageOf(pool)).toBe(await storedImage(storage));
      expect(await findings(storage, pool)).toEqual([]);
    }));
});

/** A pool whose journal has a row of events 1 to 3, and one for each from 4 to 10. */
async function journaled(): Promise<Stub> {
  const stub = newStub();
  await all(stub.run(setUp));
  for (let amount = 10; amount <= 16; amount++) {
    const command = { ...reserve(`r${amount}`, "boss", amount), metadata: { label: "honest" } };
    await all(stub.run([command]));
  }
  return stub;
}

async function sha256(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function alarmTime(stub: Stub): Promise<number | null> {
  return runInDurableObject(stub.raw, (_, { storage }) => storage.getAlarm());
}
