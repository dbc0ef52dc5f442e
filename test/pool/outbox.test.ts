/** Notifications: written with the event, kept until they are taken over, handed over by alarm, and never on a caller's way. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { LivePool } from "../../src/pool/live-pool.ts";
import { waitingNotifications } from "../../src/pool/outbox.ts";
import { type Notification, type NotificationType, notificationTypes } from "../../src/protocol/webhook.ts";
import {
  all,
  counted,
  livePool,
  newStub,
  noTasks,
  nothingWritten,
  onStorage,
  register,
  reserve,
  rowsOf,
  Stub,
  someday,
} from "./stage.ts";

afterEach(() => void vi.useRealTimers());

const record = (id: string, amount: number) => ({ op: "record", id, agent: "a", amount, unit: "tokens" }) as const;

/** A pool with one agent of 100 tokens, on the storage of an object that nothing else uses. */
async function onPool(
  test: (pool: LivePool, storage: DurableObjectStorage, clock: { now: number }) => Promise<void>,
): Promise<void> {
  await onStorage(newStub(), async (storage) => {
    const clock = { now: someday };
    const pool = livePool(storage, () => clock.now);
    await all(pool.execute([{ op: "configure", budget: 10_000 }, register("a", 1, 100)]));
    await test(pool, storage, clock);
  });
}

describe("a notification", () => {
  it("is written with the event that it tells of, and says what that says", () =>
    onPool(async (pool, storage) => {
      await all(pool.execute([record("u", 60)]));
      expect(waitingNotifications(storage, 10)).toEqual([
        {
          seq: 4,
          at: someday,
          type: "budget.threshold_reached",
          data: { agent: "a", percent: 50, consumed: 60, budget: 100 },
        },
      ]);
    }));

  it("is of whatever ends, closes, runs out or is stopped", () =>
    onPool(async (pool, storage, clock) => {
      const refill = { every: "hours", hours: 1 } as const;
      const own = { ...register("b", 1), confidence_threshold: 0.5, refill } as const;
      await all(pool.execute([{ op: "configure", refill: { every: "hours", hours: 2 } }, own]));
      await all(pool.execute([reserve("r", "a", 10, { ttl_ms: 1_000 }), { op: "pause", agent: "a" }]));
      await all(
        pool.execute([
          { ...record("u1", 5), agent: "b", confidence: 0.9 },
          { ...record("u2", 20_000), agent: "b" },
        ]),
      );
      await all(pool.execute([{ op: "resume", agent: "a" }]));
      clock.now += 2 * 3_600_000;
      await pool.read(() => undefined);
      await pool.persistedMemory();
      const types = new Set(waitingNotifications(storage, 100).map(({ type }) => type));
      expect([...notificationTypes].filter((type) => !types.has(type))).toEqual(["budget.burn_rate"]);
      const expired = waitingNotifications(storage, 100).find(({ type }) => type === "reservation.expired");
      expect(expired?.data).toEqual({ agent: "a", id: "r", charged: 0 });
    }));

  it("waits while nobody takes it, is tried again by alarm, and is gone once it is taken", () =>
    onPool(async (pool, storage, clock) => {
      await all(pool.execute([record("u", 60)]));
      const alarm = await storage.getAlarm();
      expect(alarm).toBe(clock.now + 1_000);
      const taken: Notification[] = [];
      const take = async (notifications: readonly Notification[]): Promise<typeof notificationTypes> => {
        taken.push(...notifications);
        return notificationTypes;
      };
      clock.now += 1_000;
      await pool.alarm({ ...noTasks, deliverNotifications: () => Promise.reject(new Error("out of reach")) });
      expect(waitingNotifications(storage, 10).length).toBe(1);
      expect(await storage.getAlarm()).toBe(clock.now + 30_000);
      clock.now += 30_000;
      await pool.alarm({ ...noTasks, deliverNotifications: take });
      expect(taken.map(({ seq }) => seq)).toEqual([4]);
      expect(waitingNotifications(storage, 10)).toEqual([]);
    }));

  it("of a pool that was deleted meanwhile takes none of the next one's with it", () =>
    onPool(async (pool, storage, clock) => {
      await all(pool.execute([record("u", 60)]));
      clock.now += 1_000;
      const tell = async (): Promise<typeof notificationTypes> => {
        await pool.remove(true);
        await all(pool.execute([{ op: "configure" }, register("a", 1, 100), record("u", 60)]));
        return notificationTypes;
      };
      await pool.alarm({ ...noTasks, deliverNotifications: tell });
      expect(waitingNotifications(storage, 10).map(({ seq }) => seq)).toEqual([4, 5]);
      expect(await storage.getAlarm()).toBe(clock.now + 1_000);
    }));

  it("of an expiry is not kept while nobody wants any, which is asked again after a minute", () =>
    onPool(async (pool, storage, clock) => {
      let id = 0;
      const expires = async (): Promise<number> => {
        await all(pool.execute([reserve(`r${id++}`, "a", 1, { ttl_ms: 100 })]));
        clock.now += 100;
        await pool.read(() => undefined);
        return waitingNotifications(storage, 10).length;
      };
      expect(await expires()).toBe(1);
      await pool.alarm({ ...noTasks, deliverNotifications: async () => ["agent.overage"] });
      expect(await expires()).toBe(0);
      clock.now += 60_000;
      expect(await expires()).toBe(1);
    }));

  it("is one for all leases that ended since the last was handed over, and names some of them", () =>
    onStorage(newStub(), async (storage) => {
      const clock = { now: someday };
      const pool = livePool(storage, () => clock.now);
      await all(pool.execute([{ op: "configure" }, register("a", 1, 10_000)]));
      for (let round = 0; round < 3; round++) {
        const holds = Array.from({ length: 60 }, (_, n) => reserve(`${round}-${n}`, "a", 1, { ttl_ms: 100 }));
        await all(pool.execute(holds));
        clock.now += 100;
        await all(pool.execute([record(`r${round}`, 1)]));
      }
      const told: Notification[] = [];
      await pool.alarm({
        ...noTasks,
        deliverNotifications: async (notifications) => {
          told.push(...notifications);
          return notificationTypes;
        },
      });
      const expired = told.filter(({ type }) => type === "reservation.expired");
      expect(expired).toMatchObject([{ data: { count: 180, charged: 0 } }]);
      expect(expired[0]?.data["reservations"]).toHaveLength(100);
      expect(waitingNotifications(storage, 10)).toEqual([]);
    }));

  it("of leases is the same message again where its answer was lost, whatever ended since", () =>
    onStorage(newStub(), async (storage) => {
      const clock = { now: someday };
      const pool = livePool(storage, () => clock.now);
      await all(pool.execute([{ op: "configure" }, register("a", 1, 10_000)]));
      let id = 0;
      const expire = async (count: number): Promise<void> => {
        await all(pool.execute(Array.from({ length: count }, () => reserve(`r${id++}`, "a", 1, { ttl_ms: 100 }))));
        clock.now += 100;
        await pool.read(() => undefined);
      };
      const told: Notification[][] = [];
      const alarm = (isLost: boolean): Promise<void> =>
        pool.alarm({
          ...noTasks,
          deliverNotifications: async (notifications) => {
            told.push([...notifications]);
            if (isLost) throw new Error("the answer was lost");
            return notificationTypes;
          },
        });
      await expire(3);
      await alarm(true);
      await expire(2);
      clock.now += 60_000;
      await alarm(false);
      const [first, second] = told;
      expect(first).toMatchObject([{ data: { count: 3 } }]);
      expect(second).toMatchObject([{ data: { count: 3 } }, { data: { count: 2 } }]);
      expect(second?.[0]).toEqual(first?.[0]);
    }));

  it("of a warning waits for a webhook that is made later, until the period is over", () =>
    onStorage(newStub(), async (storage) => {
      const clock = { now: someday };
      const pool = livePool(storage, () => clock.now);
      await all(pool.execute([{ op: "configure", budget: 1_000 }, register("a", 1, 1_000)]));
      const told: string[] = [];
      const alarm = (wanted: readonly NotificationType[]): Promise<void> =>
        pool.alarm({
          ...noTasks,
          deliverNotifications: async (notifications) => {
            for (const { type, data } of notifications)
              if (wanted.includes(type)) told.push(`${type} ${String(data["percent"])}`);
            return wanted;
          },
        });
      await all(pool.execute([record("u1", 550)]));
      await alarm([]);
      expect([told, waitingNotifications(storage, 10)]).toEqual([[], []]);
      // Four seconds later there is a webhook, and the next warning brings the first one along.
      clock.now += 4_000;
      await all(pool.execute([record("u2", 300)]));
      await alarm(["budget.threshold_reached"]);
      expect(told.toSorted()).toEqual(["50", "50", "80", "80"].map((percent) => `budget.threshold_reached ${percent}`));
      await all(pool.execute([record("u3", 100)]));
      await alarm([]);
      await all(pool.execute([{ op: "reset_period", id: "p" }]));
      told.length = 0;
      await alarm(notificationTypes);
      expect(told).toEqual(["period.started undefined"]);
    }));

  it("costs a call that is worth none nothing", () =>
    onStorage(newStub(), async (storage) => {
      const written = nothingWritten();
      const pool = livePool(counted(storage, written), () => someday);
      await all(pool.execute([{ op: "configure" }, register("a", 1, 1_000)]));
      await all(pool.execute([record("u", 10)]));
      expect(rowsOf(written, "INSERT INTO outbox")).toBe(0);
      expect(written.alarms).toEqual([]);
    }));
});

describe("a pool object", () => {
  it("hands its notifications to its tenant's webhooks by alarm, after an eviction too, and each once", async () => {
    const tenant = "tenant-of-the-outbox";
    const stub = new Stub(`${tenant}/p`);
    const hooks = env.WEBHOOKS.getByName(tenant);
    const fields = { url: "https://hooks.example.com/", types: [], pool: null, description: null };
    expect(await hooks.add({ caller: "operator", key: "w" }, "w", fields)).toMatchObject({ ok: true });
    await all(stub.run([{ op: "configure", budget: 10_000 }, register("a", 1, 100)]));
    await all(stub.run([record("u", 100)]));
    await evictDurableObject(stub.raw);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 1_500 });
    await stub.report();
    await runDurableObjectAlarm(stub.raw);
    await runInDurableObject(stub.raw, (instance) => instance.alarm());
    const told = await hooks.deliveries("w", undefined, 100);
    if (!told.ok) throw new Error("no deliveries");
    expect(told.result.deliveries.map(({ seq }) => seq)).toEqual([7, 6, 5, 4]);
    expect(await runInDurableObject(stub.raw, (_, { storage }) => waitingNotifications(storage, 10))).toEqual([]);
  });

  it("leaves no file behind for a tenant without webhooks", async () => {
    const tenant = "tenant-without-webhooks";
    expect(await env.WEBHOOKS.getByName(tenant).accept("p", [])).toEqual([]);
    const tables = await runInDurableObject(env.WEBHOOKS.getByName(tenant), (_, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master").toArray(),
    );
    expect(tables).toEqual([]);
  });
});
