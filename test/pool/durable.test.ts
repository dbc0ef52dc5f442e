import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Command } from "../../src/protocol/commands.ts";
import { again, all, anybody, audited, commit, newPool, newStub, register, reserve } from "./stage.ts";

afterEach(() => void vi.useRealTimers());

async function eventsOf(stub: Awaited<ReturnType<typeof newPool>>) {
  const journal = await stub.journal(0, 100);
  if (!journal.ok) throw new Error("no journal");
  return journal.result.events;
}

/** One of everything; later commands build on earlier ones. */
const script: readonly Command[] = [
  { op: "configure", budget: 5_000 },
  register("boss", 5),
  register("helper", 1),
  { op: "register", agent: "child", priority: 2, max: 200, unit: "tokens", parent: "boss" },
  { op: "fund", id: "f1", amount: 500, unit: "tokens" },
  reserve("r1", "boss", 3_900),
  { op: "extend", id: "r1", ttl_ms: 300_000, on_expiry: "charge" },
  commit("r1", 4_000),
  commit("r1", 4_000),
  reserve("r2", "child", 50),
  { op: "close", agent: "child" },
  { op: "release", id: "r2" },
  { op: "record", id: "u1", agent: "helper", amount: 1_500, unit: "tokens", confidence: 0.9 },
  { op: "reopen", agent: "helper", id: "o1" },
  { op: "reallocate", id: "m1", agent: "helper", amount: 10, unit: "tokens" },
  { op: "reset", agent: "helper", id: "x1" },
  reserve("r3", "nobody", 1),
  reserve("r4", "boss", 1_000_000),
];

describe("a pool object", () => {
  it("answers the same whether or not it is evicted between any two commands", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const awake = newStub();
    const evicted = newStub();
    await evicted.settings();
    for (const command of script) {
      const [expected] = await awake.run([command]);
      await evictDurableObject(evicted.raw);
      const [outcome] = await evicted.run([command]);
      expect(outcome).toEqual(expected);
    }
    const [left, right] = [await awake.report(), await evicted.report()];
    expect(JSON.stringify(right).replaceAll(/pool-\d+/g, "")).toBe(JSON.stringify(left).replaceAll(/pool-\d+/g, ""));
    await audited(awake);
    await audited(evicted);
  });

  it("answers a repeat after eviction as it did before", async () => {
    const stub = await newPool();
    const [first] = await stub.run([reserve("r", "boss", 1_500)]);
    await stub.run([commit("r", 1_200)]);
    await evictDurableObject(stub.raw);
    const [repeated] = await stub.run([reserve("r", "boss", 1_500)]);
    expect(repeated).toMatchObject({ ok: true, result: { id: "r", state: "held", granted: 1_500, replayed: true } });
    const without = (outcome: unknown) => JSON.stringify({ ...Object(Object(outcome).result), agent: 0, replayed: 0 });
    expect(without(repeated)).toBe(without(first));
  });

  it("ends leases by alarm, without any request, and sets none when nothing is open", async () => {
    const stub = await newPool();
    await all(stub.run([reserve("r", "boss", 900, { ttl_ms: 1_000 })]));
    const alarmAt = await runInDurableObject(stub.raw, (_, { storage }) => storage.getAlarm());
    expect(alarmAt).toBeGreaterThanOrEqual(Date.now());
    expect((alarmAt ?? 1) % 30_000).toBe(0);

    vi.useFakeTimers({ toFake: ["Date"], now: alarmAt ?? 0 });
    expect(await runDurableObjectAlarm(stub.raw)).toBe(true);
    const journal = await stub.journal(0, 100);
    expect(journal).toMatchObject({ ok: true });
    expect(JSON.stringify(journal)).toContain('"type":"expired"');
    expect(await runInDurableObject(stub.raw, (_, { storage }) => storage.getAlarm())).toBeNull();
    await audited(stub);
  });

  it("ends a lease on time even if no alarm ever runs", async () => {
    const stub = await newPool();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    await all(stub.run([register("helper", 9), reserve("r", "boss", 1_000, { ttl_ms: 1_000 })]));
    expect(await stub.run([reserve("s", "boss", 1)])).toMatchObject([{ ok: false }]);
    vi.setSystemTime(Date.now() + 999);
    expect(await stub.run([reserve("s", "boss", 1)])).toMatchObject([{ ok: false }]);
    vi.setSystemTime(Date.now() + 1);
    expect(await stub.run([reserve("s", "boss", 1_000)])).toMatchObject([{ ok: true }]);
  });

  it("waits for a clock that is a little behind", async () => {
    const stub = await newPool();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
    await all(stub.run([reserve("r", "boss", 10)]));
    await evictDurableObject(stub.raw);
    vi.setSystemTime(Date.now() - 60_000);
    await all(stub.run([reserve("s", "boss", 10)]));
    expect((await eventsOf(stub)).map(({ type }) => type)).not.toContain("clock_corrected");
    const times = (await eventsOf(stub)).map(({ at }) => at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    await audited(stub);
  });

  it("puts its time right, once, where a host's clock was ahead: after an eviction, too, leases end in time", async () => {
    const stub = await newPool();
    const right = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: right + 86_400_000 });
    await all(stub.run([reserve("r", "boss", 10, { ttl_ms: 5_000 })]));
    await evictDurableObject(stub.raw);
    vi.setSystemTime(right + 1_000);
    await all(stub.run([reserve("s", "boss", 10, { ttl_ms: 5_000 })]));
    await evictDurableObject(stub.raw);
    vi.setSystemTime(right + 6_000);
    await all(stub.run([reserve("t", "boss", 10)]));
    const events = await eventsOf(stub);
    expect(events.filter(({ type }) => type === "clock_corrected")).toMatchObject([{ by: 86_399_000 }]);
    expect(events.filter(({ type }) => type === "expired")).toMatchObject([{ id: "r" }, { id: "s" }]);
    await audited(stub);
  });

  it("leaves nothing behind in memory or storage of what was aborted before its flush", async () => {
    const stub = await newPool();
    const crash = await runInDurableObject(stub.raw, async (instance, state) => {
      void instance.execute(anybody, [reserve("lost", "boss", 500)]).catch(() => undefined);
      state.abort("the host went away");
    }).catch((error: unknown) => String(error));
    expect(crash).toContain("the host went away");
    const survivor = again(stub);
    expect(await survivor.reservation("lost")).toMatchObject({ ok: false, refusal: { code: "reservation_not_found" } });
    expect(await survivor.report()).toMatchObject({ ok: true, result: { seq: 3 } });
  });

  it("keeps what was answered before an abort", async () => {
    const stub = await newPool();
    await all(stub.run([reserve("kept", "boss", 500)]));
    await runInDurableObject(stub.raw, async (_, state) => state.abort("the host went away")).catch(() => undefined);
    const survivor = again(stub);
    expect(await survivor.reservation("kept")).toMatchObject({ ok: true, result: { state: "held", granted: 500 } });
  });

  it("refuses everything on a pool that does not exist, and writes nothing", async () => {
    const stub = newStub();
    expect(await stub.run([reserve("r", "boss", 1)])).toEqual([{ ok: false, refusal: { code: "pool_not_found" } }]);
    expect(await stub.report()).toEqual({ ok: false, refusal: { code: "pool_not_found" } });
    expect(await stub.audit()).toEqual({ ok: false, refusal: { code: "pool_not_found" } });
    const tables = await runInDurableObject(stub.raw, (_, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master").toArray(),
    );
    expect(tables).toEqual([]);
  });

  it("is gone after a removal, unless reservations are open", async () => {
    const stub = await newPool();
    await all(stub.run([reserve("r", "boss", 1)]));
    expect(await stub.remove(false)).toMatchObject({ ok: false, refusal: { code: "contract_conflict", needed: 1 } });
    expect(await stub.remove(true)).toEqual({ ok: true, result: { deleted: true } });
    expect(await stub.report()).toEqual({ ok: false, refusal: { code: "pool_not_found" } });
    await evictDurableObject(stub.raw);
    expect(await stub.report()).toEqual({ ok: false, refusal: { code: "pool_not_found" } });
    await all(stub.run([{ op: "configure" }]));
    expect(await stub.report()).toMatchObject({ ok: true, result: { seq: 1, agents: {} } });
  });
});
