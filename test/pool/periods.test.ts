/** Periods and warnings on the real object: by alarm, after eviction, under many at once. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { JournalEvent } from "../../src/protocol/journal.ts";
import { all, anybody, audited, callsOf, newStub, register, reserve, type Stub } from "./stage.ts";

afterEach(() => void vi.useRealTimers());

const day = 86_400_000;
const daily = { every: "day", time_zone: "Europe/Berlin" } as const;

async function eventsOf(stub: Stub): Promise<JournalEvent[]> {
  const events: JournalEvent[] = [];
  for (let after = 0; ;) {
    const page = await stub.journal(after, 1_000);
    if (!page.ok) throw new Error(JSON.stringify(page));
    if (page.result.events.length === 0) return events;
    events.push(...page.result.events);
    after = page.result.next;
  }
}

function alarmOf(stub: Stub): Promise<number | null> {
  return runInDurableObject(stub.raw, (_, { storage }) => storage.getAlarm());
}

describe("a period", () => {
  it("begins by alarm, at the moment it should, without any request", async () => {
    const stub = newStub();
    await all(stub.run([{ op: "configure", budget: 1_000, refill: daily }, register("a", 1)]));
    const at = (await alarmOf(stub)) ?? 0;
    expect(new Date(at).toLocaleTimeString("en-GB", { timeZone: "Europe/Berlin" })).toBe("00:00:00");
    vi.useFakeTimers({ toFake: ["Date"], now: at });
    expect(await runDurableObjectAlarm(stub.raw)).toBe(true);
    const begun = (await eventsOf(stub)).filter(({ type }) => type === "period_started");
    expect(begun).toMatchObject([{ number: 2, starts_at: at, at }]);
    const next = (await alarmOf(stub)) ?? 0;
    expect(next - at).toBeGreaterThanOrEqual(23 * 3_600_000);
    expect(next - at).toBeLessThanOrEqual(25 * 3_600_000);
    await audited(stub);
  });

  it("begins once, when alarms are repeated, come late, or never, and the object is evicted in between", async () => {
    const stub = newStub();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2090, 2, 20, 12) });
    const began = Date.now();
    await all(stub.run([{ op: "configure", budget: 1_000, refill: daily }, register("a", 1)]));
    for (let days = 0; days < 14; days++) {
      vi.setSystemTime(began + days * day + (days % 3) * 3_600_000);
      if (days % 2 === 0) await evictDurableObject(stub.raw);
      // Late by hours, twice, or never: somebody's report is then the first to look.
      if (days % 4 !== 3) {
        for (let times = 0; times < 2; times++) {
          await runInDurableObject(stub.raw, (instance) => instance.alarm());
        }
      }
      expect(await stub.report()).toMatchObject({ ok: true, result: { period: { number: days + 1 } } });
      // A host whose clock is behind repeats none.
      vi.setSystemTime(began - 3 * day);
      await runInDurableObject(stub.raw, (instance) => instance.alarm());
      expect(await stub.report()).toMatchObject({ ok: true, result: { period: { number: days + 1 } } });
    }
    const numbers = (await eventsOf(stub)).flatMap((event) => (event.type === "period_started" ? [event.number] : []));
    expect(numbers).toEqual(Array.from({ length: 13 }, (_, index) => index + 2));
    await audited(stub);
  });

  it("frees budget for those who wait in line", async () => {
    const stub = newStub();
    const refill = { every: "hours", hours: 1, from: Date.now() - 3_600_000 + 1_500 } as const;
    await all(stub.run([{ op: "configure", budget: 100, refill }, register("a", 1, 100), reserve("r", "a", 100)]));
    await all(stub.run([{ op: "commit", id: "r", amount: 100, unit: "tokens" }]));
    const waited = await stub.reserve(reserve("s", "a", 100), 30_000);
    expect(waited).toMatchObject({ ok: true, result: { granted: 100 } });
  });

  it("keeps the reports of those that are over, beside the journal, and an agent's until it leaves", async () => {
    const stub = newStub();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2090, 5, 1, 12) });
    const own = { ...register("a", 1), refill: { every: "day" } } as const;
    await all(stub.run([{ op: "configure", budget: 10_000, refill: { every: "month" } }, own]));
    for (let days = 0; days < 40; days++) {
      await all(stub.run([{ op: "record", id: `u${days}`, agent: "a", amount: 10, unit: "tokens" }]));
      vi.setSystemTime(Date.now() + day);
    }
    await evictDurableObject(stub.raw);
    const ofPool = await callsOf(stub.raw).query(anybody, {
      about: "periods",
      agent: null,
      before: Number.MAX_SAFE_INTEGER,
      limit: 50,
    });
    expect(ofPool).toMatchObject({ ok: true, result: { periods: [{ agent: null, number: 1, consumed: 300 }] } });
    const ofAgent = await callsOf(stub.raw).query(anybody, {
      about: "periods",
      agent: "a",
      before: Number.MAX_SAFE_INTEGER,
      limit: 50,
    });
    if (!ofAgent.ok) throw new Error("no reports");
    expect(ofAgent.result.periods.map(({ number }) => number)).toEqual(Array.from({ length: 40 }, (_, i) => 40 - i));
    expect(ofAgent.result.periods.every(({ consumed }) => consumed === 10 || consumed === 0)).toBe(true);
    await all(stub.run([{ op: "close", agent: "a" }]));
    const gone = await callsOf(stub.raw).query(anybody, {
      about: "periods",
      agent: "a",
      before: Number.MAX_SAFE_INTEGER,
      limit: 50,
    });
    expect(gone).toMatchObject({ result: { periods: [] } });
    await audited(stub);
  });
});

describe("an idle pool without periods or holds", () => {
  it("sets no alarm, ever", async () => {
    const stub = newStub();
    await all(stub.run([{ op: "configure", budget: 10_000 }, register("a", 1)]));
    await all(stub.run([{ op: "record", id: "u", agent: "a", amount: 400, unit: "tokens" }]));
    expect(await alarmOf(stub)).toBeNull();
    await evictDurableObject(stub.raw);
    await stub.report();
    await stub.audit();
    expect(await alarmOf(stub)).toBeNull();
  });
});

describe("warnings", () => {
  it("are said once each under 64 that commit at once, eviction, and alarms that repeat", async () => {
    const stub = newStub();
    const clients = 64;
    const rounds = 8;
    const total = clients * rounds * 10;
    await all(stub.run([{ op: "configure", budget: total }, register("a", 1, total)]));
    for (let round = 0; round < rounds; round++) {
      const spend = async (client: number): Promise<void> => {
        const id = `${round}-${client}`;
        await all(stub.run([reserve(id, "a", 10)]));
        await all(stub.run([{ op: "commit", id, amount: 10, unit: "tokens" }]));
      };
      await Promise.all(Array.from({ length: clients }, (_, client) => spend(client)));
      await runInDurableObject(stub.raw, (instance) => instance.alarm());
      await evictDurableObject(stub.raw);
      await runInDurableObject(stub.raw, (instance) => instance.alarm());
    }
    const said = (await eventsOf(stub)).flatMap((event) =>
      event.type === "warned" && event.warning === "threshold" ? [`${event.agent} ${event.percent}`] : [],
    );
    const each = [50, 80, 95, 100].flatMap((percent) => [`a ${percent}`, `null ${percent}`]);
    expect(said).toEqual(each);
    await audited(stub);
  });
});
