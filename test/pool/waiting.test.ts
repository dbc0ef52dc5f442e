/**
 * The waiting line: a reservation that is refused for budget can wait for it. Timers and clock are moved by hand, so
 * every test says to the millisecond when somebody is granted, and that nothing ticks once nobody waits.
 */
import { afterEach, describe, expect, it, vi } from "vitest";
import { NotPersistedError } from "../../src/pool/group-commit.ts";
import { endOf, rowsAfter } from "../../src/pool/journal.ts";
import type { LivePool } from "../../src/pool/live-pool.ts";
import type { Command, Outcome } from "../../src/protocol/commands.ts";
import { limits } from "../../src/protocol/limits.ts";
import type { ReserveCommand } from "../../src/protocol/reservation.ts";
import {
  all,
  anybody,
  audited,
  commit,
  type Fault,
  faulty,
  findings,
  imageOf,
  livePool,
  newPool,
  newStub,
  noTasks,
  onStorage,
  register,
  reserve,
  reserveOrWait,
  someday,
  storedImage,
} from "./stage.ts";

afterEach(() => void vi.useRealTimers());

const minute = 60_000;

/** What has come of a reservation that may wait: nothing yet, an outcome, or an error. */
type Caller = { outcome?: Outcome; error?: unknown };

type Stage = {
  readonly pool: LivePool;
  readonly storage: DurableObjectStorage;
  /** Runs commands that must succeed. */
  readonly does: (...commands: Command[]) => Promise<void>;
  /** Asks for a reservation that may wait. */
  readonly asks: (command: ReserveCommand, waitMs?: number) => Promise<Caller>;
  readonly passes: (ms: number) => Promise<void>;
  /** Lets a row be stored that a timer has begun: by the clock of the test that takes the next millisecond. */
  readonly settles: () => Promise<void>;
};

/** A pool whose time passes only when the test says so. */
function onStage(setUp: readonly Command[], test: (stage: Stage) => Promise<void>, fault?: Fault): Promise<void> {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: someday });
  return onStorage(newStub(), async (storage) => {
    const pool = livePool(faulty(storage, fault ?? (() => undefined)));
    const passes = async (ms: number): Promise<void> => {
      await vi.advanceTimersByTimeAsync(ms);
      await storage.sync();
      await vi.advanceTimersByTimeAsync(0);
    };
    const does = async (...commands: Command[]): Promise<void> => {
      const outcomes = pool.execute(commands);
      await passes(0);
      await all(outcomes);
    };
    const asks = async (command: ReserveCommand, waitMs = minute): Promise<Caller> => {
      const caller: Caller = {};
      reserveOrWait(pool, command, waitMs).then(
        (outcome) => (caller.outcome = outcome),
        (error: unknown) => (caller.error = error),
      );
      await passes(0);
      return caller;
    };
    await does(...setUp);
    await test({ pool, storage, does, asks, passes, settles: () => passes(1) });
  });
}

const granted = (amount: number) => ({ outcome: { ok: true, result: { state: "held", granted: amount } } });
/** Granted so long after the test began. */
const grantedAt = (ms: number, amount: number) => ({
  outcome: { ok: true, result: { granted: amount, expires_at: someday + ms + limits.ttlMsDefault } },
});
const refused = (code: string) => ({ outcome: { ok: false, refusal: { code } } });

/** The helper has spent 500 of its 1,000, and 500 more are held; nobody of lower priority could give it any. */
const exhausted: readonly Command[] = [
  register("boss", 5),
  register("helper", 1),
  { op: "record", id: "spent", agent: "helper", amount: 500, unit: "tokens" },
  reserve("held", "helper", 500),
];
const withBudget: readonly Command[] = [{ op: "configure", budget: 2_000 }, ...exhausted];
const withoutBudget: readonly Command[] = [{ op: "configure" }, ...exhausted];

describe("a clock that is put back", () => {
  it("keeps no call in line for longer than it would have waited", () =>
    onStage(withBudget, async ({ pool, asks, passes, storage }) => {
      const caller = await asks(reserve("w", "helper", 450));
      vi.setSystemTime(Date.now() - 86_400_000);
      await passes(minute);
      expect(caller).toMatchObject(refused("budget_exceeded"));
      expect(await asks(reserve("again", "helper", 450), 1_000)).toEqual({});
      expect(await findings(storage, pool)).toEqual([]);
    }));
});

describe("a pause", () => {
  it.each(["helper", null])("of %s ends the waiting of whom it stops, at once", (agent) =>
    onStage(withBudget, async ({ pool, asks, does, storage }) => {
      const caller = await asks(reserve("w", "helper", 450));
      expect(caller).toEqual({});
      await does({ op: "pause", agent });
      expect(caller).toMatchObject(refused("paused"));
      const late = await asks(reserve("later", "helper", 450));
      expect(late).toMatchObject(refused("paused"));
      await does({ op: "resume", agent }, { op: "release", id: "held" });
      expect(await asks(reserve("again", "helper", 450))).toMatchObject(granted(450));
      expect(await findings(storage, pool)).toEqual([]);
    }),
  );
});

describe("a call in line is granted the moment budget comes free", () => {
  const ways: { readonly [way: string]: { readonly in: readonly Command[]; readonly by: Command } } = {
    "a commit of less than was held": { in: withBudget, by: commit("held", 10) },
    "a release": { in: withBudget, by: { op: "release", id: "held" } },
    funding: { in: withBudget, by: { op: "fund", id: "f", amount: 450, unit: "tokens" } },
    "a bigger budget": { in: withBudget, by: { op: "configure", budget: 2_450 } },
    "its agent's bigger contract": { in: withoutBudget, by: register("helper", 1, 1_450) },
    "another's smaller contract": { in: withBudget, by: register("boss", 5, 550) },
    "another's lower priority": { in: withBudget, by: register("boss", 1) },
    "a new agent that lends": { in: withoutBudget, by: register("newcomer", 0, 450) },
    "another agent that leaves": { in: withBudget, by: { op: "close", agent: "boss" } },
    "a new period": { in: withBudget, by: { op: "reset", agent: "helper", id: "x" } },
  };
  for (const [way, setUp] of Object.entries(ways)) {
    it(`by ${way}`, () =>
      onStage(setUp.in, async ({ pool, storage, asks, does }) => {
        const caller = await asks(reserve("w", "helper", 450));
        expect(caller).toEqual({});
        await does(setUp.by);
        expect(caller).toMatchObject(granted(450));
        expect(vi.getTimerCount()).toBe(0);
        expect(await findings(storage, pool)).toEqual([]);
      }));
  }

  it("by a late commit that corrects a charge", () =>
    onStage(
      [...withBudget.slice(0, -1), { ...reserve("held", "helper", 500, { ttl_ms: 1_000 }), on_expiry: "charge" }],
      async ({ asks, does, passes, settles }) => {
        const caller = await asks(reserve("w", "helper", 450));
        await passes(1_000);
        await settles();
        expect(caller).toEqual({});
        await does(commit("held", 50));
        expect(caller).toMatchObject(granted(450));
      },
    ));

  it("by the end of a lease, with nobody asking", () =>
    onStage(
      [...withBudget.slice(0, -1), reserve("held", "helper", 500, { ttl_ms: 5_000 })],
      async ({ pool, storage, asks, passes, settles }) => {
        const caller = await asks(reserve("w", "helper", 450));
        await passes(4_999);
        expect(caller).toEqual({});
        await passes(1);
        await settles();
        expect(caller).toMatchObject(grantedAt(5_000, 450));
        expect(vi.getTimerCount()).toBe(0);
        expect(await findings(storage, pool)).toEqual([]);
      },
    ));

  it("by the end of a lease that was extended meanwhile", () =>
    onStage(
      [...withBudget.slice(0, -1), reserve("held", "helper", 500, { ttl_ms: 5_000 })],
      async ({ asks, does, passes, settles }) => {
        const caller = await asks(reserve("w", "helper", 450));
        await passes(4_000);
        await does({ op: "extend", id: "held", ttl_ms: 5_000 });
        await passes(4_999);
        expect(caller).toEqual({});
        await passes(1);
        await settles();
        expect(caller).toMatchObject(grantedAt(9_000, 450));
      },
    ));

  it("by the end of a lease that was taken after it came", () =>
    onStage(
      [{ op: "configure" }, register("helper", 1), reserve("held", "helper", 400)],
      async ({ asks, does, passes, settles }) => {
        const caller = await asks(reserve("w", "helper", 700));
        await does(reserve("short", "helper", 600, { ttl_ms: 1_000 }));
        await does({ op: "release", id: "held" });
        await passes(999);
        expect(caller).toEqual({});
        await passes(1);
        await settles();
        expect(caller).toMatchObject(grantedAt(1_000, 700));
      },
    ));

  it("by the alarm", () =>
    onStage(
      [...withBudget.slice(0, -1), reserve("held", "helper", 500, { ttl_ms: 5_000 })],
      async ({ pool, asks, passes }) => {
        const caller = await asks(reserve("w", "helper", 450));
        vi.setSystemTime(someday + 30_000);
        const alarm = pool.alarm(noTasks);
        await passes(0);
        await alarm;
        expect(caller).toMatchObject(granted(450));
      },
    ));

  it("but not before that is stored", () =>
    onStage(withBudget, async ({ pool, storage, asks, passes }) => {
      const caller = await asks(reserve("w", "helper", 450));
      const before = endOf(storage)?.seq ?? 0;
      const released = pool.execute([{ op: "release", id: "held" }]);
      await Promise.resolve();
      expect([endOf(storage)?.seq, caller]).toEqual([before, {}]);
      await passes(0);
      await released;
      expect(endOf(storage)?.seq).toBe(before + 2);
      expect(caller).toMatchObject(granted(450));
    }));

  it("together with everybody else whom it is enough for, in the same row", () =>
    onStage(withBudget, async ({ storage, asks, does }) => {
      const callers = [await asks(reserve("w1", "helper", 200)), await asks(reserve("w2", "helper", 300))];
      const one = await asks(reserve("w3", "helper", 1));
      const rows = rowsAfter(storage, 0, 100).length;
      await does({ op: "release", id: "held" });
      expect(callers).toMatchObject([granted(200), granted(300)]);
      expect(one).toEqual({});
      expect(rowsAfter(storage, 0, 100).length).toBe(rows + 1);
    }));

  it("with less than asked, if that will do", () =>
    onStage(withBudget, async ({ asks, does }) => {
      const caller = await asks({ ...reserve("w", "helper", 450), at_least: 100 });
      await does({ op: "fund", id: "f1", amount: 99, unit: "tokens" });
      expect(caller).toEqual({});
      await does({ op: "fund", id: "f2", amount: 51, unit: "tokens" });
      expect(caller).toMatchObject(granted(150));
    }));
});

describe("the order of the line", () => {
  /** What the donor (priority 0) holds comes to whoever is first; the others have nothing of their own. */
  const shared: readonly Command[] = [
    { op: "configure" },
    register("donor", 0, 1_200),
    register("low", 1, 0),
    register("middle", 5, 0),
    register("high", 9, 0),
    ...["r1", "r2", "r3"].map((id) => reserve(id, "donor", 400)),
  ];

  it("is higher priority first, and first come first served within it", () =>
    onStage(shared, async ({ asks, does }) => {
      const callers = {
        low: await asks(reserve("w1", "low", 400)),
        middle: await asks(reserve("w2", "middle", 400)),
        high: await asks(reserve("w3", "high", 400)),
        "high, later": await asks(reserve("w4", "high", 400)),
        "middle, later": await asks(reserve("w5", "middle", 400)),
      };
      const served = (): string[] =>
        Object.entries(callers)
          .filter(([, { outcome }]) => outcome?.ok === true)
          .map(([name]) => name);
      await does({ op: "release", id: "r1" });
      expect(served()).toEqual(["high"]);
      await does({ op: "release", id: "r2" });
      expect(served()).toEqual(["high", "high, later"]);
      await does({ op: "release", id: "r3" });
      expect(served()).toEqual(["middle", "high", "high, later"]);
      await does({ op: "release", id: "w3" }, { op: "release", id: "w4" }, { op: "release", id: "w2" });
      expect(served().length).toBe(4);
    }));

  it("is that of priorities as they are, not as they were when each came", () =>
    onStage(shared, async ({ asks, does }) => {
      const first = await asks(reserve("w1", "high", 400));
      const second = await asks(reserve("w2", "low", 400));
      await does(register("low", 10, 0), { op: "release", id: "r1" });
      expect(second).toMatchObject(granted(400));
      expect(first).toEqual({});
    }));

  it("lets those pass whom what came free is enough for", () =>
    onStage(shared, async ({ asks, does }) => {
      const big = await asks(reserve("w1", "high", 1_000));
      const small = await asks(reserve("w2", "low", 400));
      await does({ op: "release", id: "r1" });
      expect([big, small]).toMatchObject([{}, granted(400)]);
      expect(big).toEqual({});
    }));

  it("is kept by a caller who comes back with the same reservation, and both get the outcome", () =>
    onStage(shared, async ({ asks, does, passes }) => {
      const first = await asks(reserve("w1", "low", 400));
      const other = await asks(reserve("w2", "low", 400));
      await passes(1_000);
      const back = await asks(reserve("w1", "low", 400));
      await does({ op: "release", id: "r1" });
      expect([first, back]).toMatchObject([granted(400), granted(400)]);
      expect(first).toEqual(back);
      expect(other).toEqual({});
    }));

  it("is closed to another reservation with an id that waits", () =>
    onStage(shared, async ({ asks, does }) => {
      const command = { ...reserve("w", "low", 400), metadata: { run: "1" } };
      const caller = await asks(command);
      const others: readonly (readonly [field: string, other: ReserveCommand])[] = [
        ["agent", { ...command, agent: "middle" }],
        ["amount", { ...command, amount: 401 }],
        ["at_least", { ...command, at_least: 1 }],
        ["ttl_ms", { ...command, ttl_ms: 5_000 }],
        ["on_expiry", { ...command, on_expiry: "charge" }],
        ["metadata", { ...command, metadata: { run: "2" } }],
      ];
      const fields: unknown[] = [];
      for (const [, other] of others) {
        const { outcome } = await asks(other);
        fields.push(outcome?.ok === false && outcome.refusal.code === "id_reused" ? outcome.refusal.field : outcome);
      }
      expect(fields).toEqual(others.map(([field]) => field));
      await does({ op: "release", id: "r1" });
      expect(caller).toMatchObject(granted(400));
    }));

  it("takes a default that is spelled out for the same reservation, as it does once it is granted", () =>
    onStage(shared, async ({ asks, does }) => {
      const first = await asks(reserve("w", "low", 400));
      const back = await asks({ ...reserve("w", "low", 400), on_expiry: "release" });
      expect(back).toEqual({});
      await does({ op: "release", id: "r1" });
      expect([first, back]).toMatchObject([granted(400), granted(400)]);
    }));

  it("tells a caller who comes back in the other unit just that", () =>
    onStage(shared, async ({ asks }) => {
      await asks(reserve("w", "low", 400));
      expect(await asks({ ...reserve("w", "low", 400), unit: "microusd" })).toMatchObject(refused("unit_mismatch"));
    }));

  it("ends at the limit of waiters, and goes on when one has left", () =>
    onStage(shared, async ({ pool, asks, does, passes }) => {
      // Another agent waits too, so that half of the rest is this one's.
      await asks(reserve("another's", "high", 400));
      const share = limits.waiters / 2 - 1;
      for (let n = 0; n < share; n++) {
        reserveOrWait(pool, reserve(`w${n}`, "low", 400), minute).catch(() => undefined);
      }
      await passes(0);
      expect(await asks(reserve("too many", "low", 400))).toMatchObject({
        outcome: { ok: false, refusal: { code: "limit_reached", limit: "waitersPerAgent", maximum: share } },
      });
      // Another agent finds a place all the same, and a caller that comes back its own.
      expect(await asks(reserve("another's too", "high", 400))).toEqual({});
      await does({ op: "release", id: "another's too" });
      expect(await asks(reserve("w7", "low", 400))).toEqual({});
      await does({ op: "release", id: "r1" });
      expect(await asks(reserve("too many", "low", 400))).toEqual({});
    }));
});

describe("calls that wait for one reservation", () => {
  it("are bounded, and make room when one has left", () =>
    onStage(withBudget, async ({ pool, asks }) => {
      for (let n = 0; n < limits.waitersPerReservation; n++) {
        reserveOrWait(pool, reserve("w", "helper", 450), minute, anybody, `call-${n}`).catch(() => undefined);
      }
      const maximum = limits.waitersPerReservation;
      expect(await asks(reserve("w", "helper", 450))).toMatchObject({
        outcome: { ok: false, refusal: { code: "limit_reached", limit: "waitersPerReservation", maximum } },
      });
      pool.leave("w", "call-7");
      expect(await asks(reserve("w", "helper", 450))).toEqual({});
    }));
});

describe("a call leaves the line", () => {
  it("with the refusal of that moment when the time is over, and not before", () =>
    onStage(withBudget, async ({ asks, does, passes }) => {
      const caller = await asks(reserve("w", "helper", 450), 10_000);
      const patient = await asks(reserve("v", "helper", 450), 20_000);
      await does({ op: "fund", id: "f", amount: 7, unit: "tokens" });
      await passes(9_999);
      expect(caller).toEqual({});
      await passes(1);
      expect(caller).toMatchObject({
        outcome: { ok: false, refusal: { code: "budget_exceeded", asked: 450, available: 0, transferable: 7 } },
      });
      expect(patient).toEqual({});
      await passes(10_000);
      expect(patient).toMatchObject(refused("budget_exceeded"));
      expect(vi.getTimerCount()).toBe(0);
    }));

  it("and may come again, with the same id", () =>
    onStage(withBudget, async ({ asks, does, passes }) => {
      await asks(reserve("w", "helper", 450), 1_000);
      await passes(1_000);
      const again = await asks(reserve("w", "helper", 450), 1_000);
      expect(again).toEqual({});
      await does({ op: "release", id: "held" });
      expect(again).toMatchObject(granted(450));
    }));

  it("when its agent's gate closes", () =>
    onStage(withBudget, async ({ asks, does }) => {
      await does({
        op: "register",
        agent: "helper",
        priority: 1,
        max: 1_000,
        unit: "tokens",
        confidence_threshold: 0.8,
      });
      const caller = await asks(reserve("w", "helper", 450));
      await does({ op: "record", id: "u", agent: "helper", amount: 0, unit: "tokens", confidence: 0.9 });
      expect(caller).toMatchObject(refused("confidence_reached"));
    }));

  it("when its agent is closed", () =>
    onStage(withBudget, async ({ asks, does }) => {
      const caller = await asks(reserve("w", "helper", 450));
      await does({ op: "close", agent: "helper" });
      expect(caller).toMatchObject(refused("agent_closing"));
    }));

  it("when its id is used for something else", () =>
    onStage(withBudget, async ({ asks, does }) => {
      const caller = await asks(reserve("w", "helper", 450));
      await does({ op: "fund", id: "w", amount: 1, unit: "tokens" });
      expect(caller).toMatchObject({ outcome: { ok: false, refusal: { code: "id_reused", field: "op" } } });
    }));

  it("when the pool is removed", () =>
    onStage(withBudget, async ({ pool, asks, passes }) => {
      const callers = [await asks(reserve("w", "helper", 450)), await asks(reserve("v", "helper", 450))];
      const removed = pool.remove(true);
      await passes(0);
      await removed;
      expect(callers).toMatchObject([refused("pool_not_found"), refused("pool_not_found")]);
      expect(vi.getTimerCount()).toBe(0);
    }));

  it("at once when its caller has gone, and is granted nothing", () =>
    onStage(withBudget, async ({ pool, does, passes }) => {
      const outcome = reserveOrWait(pool, reserve("w", "helper", 450), minute, anybody, "ticket");
      await passes(0);
      pool.leave("w", "ticket");
      expect(await outcome).toMatchObject({ ok: false, refusal: { code: "reservation_settled", state: "released" } });
      expect([pool.waiting(), vi.getTimerCount()]).toEqual([0, 0]);
      await does({ op: "release", id: "held" });
      expect(await pool.read(({ held }) => held)).toBe(0);
    }));

  it.each([
    ["joined the line", 450, minute],
    ["been granted what there is, though it would not wait", 1, 0],
  ])("before it has %s, where its caller was gone before the call came", (_, tokens, waitMs) =>
    onStage(withBudget, async ({ pool }) => {
      pool.leave("w", "ticket");
      const outcome = await reserveOrWait(pool, reserve("w", "helper", tokens), waitMs, anybody, "ticket");
      expect(outcome).toMatchObject({ ok: false, refusal: { code: "reservation_settled", state: "released" } });
      expect(pool.waiting()).toBe(0);
    }),
  );

  it("not before the last call has gone that waits for the same reservation", () =>
    onStage(withBudget, async ({ pool, does, passes }) => {
      const gone = reserveOrWait(pool, reserve("w", "helper", 450), minute, anybody, "one");
      const stays = reserveOrWait(pool, reserve("w", "helper", 450), minute, anybody, "two");
      await passes(0);
      pool.leave("w", "one");
      expect(await gone).toMatchObject({ ok: false });
      await does({ op: "release", id: "held" });
      expect(await stays).toMatchObject({ ok: true, result: { granted: 450 } });
    }));

  it("each call when its own time is over, though another waits for the same reservation for longer", () =>
    onStage(withBudget, async ({ asks, does, passes }) => {
      const long = await asks(reserve("w", "helper", 450), 2_500);
      const short = await asks(reserve("w", "helper", 450), 800);
      await passes(799);
      expect([short, long]).toEqual([{}, {}]);
      await passes(1);
      expect(short).toMatchObject(refused("budget_exceeded"));
      expect(long).toEqual({});
      await does({ op: "release", id: "held" });
      expect(long).toMatchObject(granted(450));
    }));

  it("when its key expires: it is refused then, and granted nothing later", () =>
    onStage(withBudget, async ({ pool, does, passes }) => {
      const caller: Caller = {};
      const key = { key_id: "k", agent: null, expires_at: someday + 1_500 };
      void reserveOrWait(pool, reserve("w", "helper", 450), minute, key).then((outcome) => (caller.outcome = outcome));
      await passes(1_499);
      expect(caller).toEqual({});
      await passes(1);
      expect(caller).toMatchObject(refused("key_expired"));
      await does({ op: "release", id: "held" });
      expect(await pool.read(({ held }) => held)).toBe(0);
    }));

  it("when it is released, by its agent or by a key that is bound to none; not by another agent's", () =>
    onStage(withBudget, async ({ pool, asks, does, passes }) => {
      const caller = await asks(reserve("w", "helper", 450));
      const foreign = { key_id: "k", agent: "boss", expires_at: null };
      expect(await pool.execute([{ op: "release", id: "w" }], foreign)).toMatchObject([
        { ok: false, refusal: { code: "reservation_not_found" } },
      ]);
      expect(caller).toEqual({});
      const [released] = await pool.execute([{ op: "release", id: "w" }]);
      expect(released).toMatchObject({ ok: true, result: { id: "w", state: "released", granted: 0, consumed: 0 } });
      await passes(0);
      expect(caller).toMatchObject(refused("reservation_settled"));
      await does({ op: "release", id: "held" });
      expect(await pool.read(({ held }) => held)).toBe(0);
    }));

  it("when a row can't be stored, whether it was to be granted by it or not", () => {
    let isBroken = false;
    const fault: Fault = () => {
      if (isBroken) throw new Error("the disk is full");
    };
    const test = async ({ pool, storage, asks, does, passes }: Stage): Promise<void> => {
      const callers = [await asks(reserve("w", "helper", 450)), await asks(reserve("v", "helper", 900))];
      const before = await storedImage(storage);
      isBroken = true;
      const released = pool.execute([{ op: "release", id: "held" }]).catch((error: unknown) => error);
      await passes(0);
      isBroken = false;
      expect(await released).toBeInstanceOf(NotPersistedError);
      for (const { error } of callers) expect(error).toBeInstanceOf(NotPersistedError);
      expect(vi.getTimerCount()).toBe(0);
      expect(await imageOf(pool)).toBe(before);

      const again = await asks(reserve("w", "helper", 450));
      expect(again).toEqual({});
      await does({ op: "release", id: "held" });
      expect(again).toMatchObject(granted(450));
    };
    return onStage(withBudget, test, fault);
  });
});

describe("nobody waits", () => {
  it("who is granted or refused at once, or does not want to", () =>
    onStage(withBudget, async ({ asks }) => {
      expect(await asks(reserve("a", "boss", 10))).toMatchObject(granted(10));
      expect(await asks(reserve("b", "nobody", 10))).toMatchObject(refused("agent_not_found"));
      expect(await asks({ ...reserve("c", "helper", 10), unit: "microusd" })).toMatchObject(refused("unit_mismatch"));
      expect(await asks(reserve("d", "helper", 10), 0)).toMatchObject(refused("budget_exceeded"));
      expect(vi.getTimerCount()).toBe(0);
    }));
});

describe("a pool object", () => {
  it("lets a reservation wait until another is committed, over a call", async () => {
    const stub = await newPool();
    await all(stub.run([reserve("held", "helper", 1_000)]));
    const waiting = stub.reserve(reserve("w", "helper", 600), 30_000);
    const back = stub.reserve(reserve("w", "helper", 600), 30_000);
    await all(stub.run([commit("held", 300)]));
    expect(await waiting).toMatchObject({ ok: true, result: { granted: 600 } });
    expect(await back).toEqual(await waiting);
    await audited(stub);
  });

  it("refuses a reservation when its time is over", async () => {
    const stub = await newPool();
    await all(stub.run([reserve("held", "helper", 1_000)]));
    const outcome = await stub.reserve(reserve("w", "helper", 600), 20);
    expect(outcome).toMatchObject({ ok: false, refusal: { code: "budget_exceeded" } });
  });
});
