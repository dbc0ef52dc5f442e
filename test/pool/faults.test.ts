/**
 * Storage that fails. A throw is put before and behind every statement of every operation, one at a time: nobody may
 * hear of what is not stored, nothing may be half stored, and the same request again must succeed exactly once.
 */
import { describe, expect, it } from "vitest";
import { toImage } from "../../src/engine/image.ts";
import { emptyPool } from "../../src/engine/state.ts";
import { NotPersistedError } from "../../src/pool/group-commit.ts";
import type { StoredRow } from "../../src/pool/journal.ts";
import { append, rowsAfter } from "../../src/pool/journal.ts";
import type { LivePool } from "../../src/pool/live-pool.ts";
import { migrate } from "../../src/pool/schema.ts";
import type { Command, Outcome } from "../../src/protocol/commands.ts";
import {
  all,
  commit,
  type Fault,
  faulty,
  findings,
  heavy,
  imageOf,
  livePool,
  newStub,
  noTasks,
  onStorage,
  register,
  reserve,
  someday,
  storedImage,
} from "./stage.ts";

/** One operation: what is delivered (or the alarm), and how long after the one before. */
type Step = { readonly name: string; readonly waits?: number; readonly does: readonly Command[] | "alarm" };

const one = (command: Command, name: string = command.op): Step => ({ name, does: [command] });

/** One of everything; later steps build on earlier ones. */
const script: readonly Step[] = [
  one({ op: "configure", budget: 500_000 }, "configure, the first write, which makes the tables"),
  one(register("boss", 5)),
  one(register("helper", 1)),
  one({ op: "register", agent: "child", priority: 2, max: 200, unit: "tokens", parent: "boss" }, "register below"),
  one({ op: "configure", default_ttl_ms: 600_000 }, "configure again"),
  one({ op: "fund", id: "f1", amount: 500, unit: "tokens" }),
  one(reserve("r1", "boss", 3_900), "reserve with a transfer"),
  one({ op: "extend", id: "r1", ttl_ms: 900_000, on_expiry: "charge" }),
  one(commit("r1", 4_000)),
  one(reserve("r2", "child", 50)),
  one({ op: "close", agent: "child" }),
  one({ op: "release", id: "r2" }, "release, whereupon the agent leaves"),
  one({ op: "record", id: "u1", agent: "helper", amount: 1_500, unit: "tokens", confidence: 0.9 }),
  one({ op: "reopen", agent: "helper", id: "o1" }),
  one({ op: "reallocate", id: "m1", agent: "helper", amount: 10, unit: "tokens" }),
  one({ op: "reset", agent: "helper", id: "x1" }),
  one({ ...reserve("r3", "boss", 20, { ttl_ms: 1_000 }), on_expiry: "charge" }),
  { name: "expiry before another command", waits: 1_000, does: [reserve("r4", "boss", 30, { ttl_ms: 1_000 })] },
  one(commit("r3", 25), "late commit"),
  { name: "expiry by alarm", waits: 30_000, does: "alarm" },
  {
    name: "a batch of several operations",
    does: [reserve("r5", "helper", 1), commit("r5", 2), reserve("r6", "boss", 3)],
  },
  { name: "a batch of several rows", does: heavy("wide", 100) },
  { name: "a batch that brings a snapshot", does: heavy("more", 170) },
];

/** The past of a case: the time, the journal's rows, and the state they come to. */
type Moment = { readonly now: number; readonly journal: readonly StoredRow[]; readonly image: string };
/** How a step goes when nothing fails. */
type Smooth = { readonly statements: readonly string[]; readonly outcomes: readonly Outcome[]; readonly after: Moment };

class InjectedError extends Error {}

/** Statements that some case has failed in. */
const met = new Set<string>();

describe("a pool whose storage fails", () => {
  let before: Moment = { now: someday, journal: [], image: JSON.stringify(toImage(emptyPool())) };
  for (const step of script) {
    it(`half does nothing, says so to everybody, and succeeds once when asked again: ${step.name}`, async () => {
      const smooth = await runs(step, before);
      expect(smooth.statements.length).toBeGreaterThan(0);
      for (let nth = 1; nth <= smooth.statements.length; nth++) {
        await fails(step, before, smooth, nth, "before");
        await fails(step, before, smooth, nth, "after");
      }
      before = smooth.after;
    });
  }

  it("was made to fail in every kind of statement that writes", () => {
    const kinds = [...met]
      .filter((statement) => statement !== "sync")
      .map((statement) => statement.split(/[\s(]+/, 3).join(" "));
    const wanted = [
      "CREATE TABLE IF",
      "CREATE TABLE journal",
      "DELETE FROM snapshot",
      "INSERT INTO journal",
      "INSERT INTO schema_version",
      "INSERT OR REPLACE",
      "SELECT name FROM",
      "setAlarm",
    ];
    expect([...new Set(kinds)]).toEqual(expect.arrayContaining(wanted));
  });

  it("wakes from a snapshot and what follows once it can be read again", async () => {
    await onStorage(newStub(), async (storage) => {
      const pool = await wake(storage, before);
      await all(pool.execute([reserve("late", "boss", 1)]));
      const image = await storedImage(storage);
      const counts: number[] = [];
      const reading = livePool(
        faulty(storage, (_, count) => counts.push(count)),
        () => before.now,
      );
      await reading.read(() => undefined);
      expect(counts.length).toBeGreaterThan(4);
      for (const nth of counts) {
        const waking = livePool(
          faulty(storage, (statement, count) => {
            if (count === nth) throw new InjectedError(statement);
          }),
          () => before.now,
        );
        const [caller] = await Promise.allSettled([waking.execute([reserve("unheard", "boss", 1)])]);
        expect(caller?.status, `statement ${nth}`).toBe("rejected");
        expect(await imageOf(waking), `statement ${nth}`).toBe(image);
        expect(await storedImage(storage), `statement ${nth}`).toBe(image);
      }
    });
  });

  it("answers though its alarm can't be set, and sets it with the next write", async () => {
    await onStorage(newStub(), async (storage) => {
      let isBroken = true;
      const broken = faulty(storage, (statement) => {
        if (isBroken && statement === "setAlarm") throw new InjectedError(statement);
      });
      const pool = livePool(broken, () => someday);
      await all(pool.execute([{ op: "configure" }, register("boss", 5)]));
      await all(pool.execute([reserve("r", "boss", 1)]));
      expect(await storage.getAlarm()).toBeNull();
      isBroken = false;
      await all(pool.execute([reserve("s", "boss", 1)]));
      expect(await storage.getAlarm()).toBe(Math.ceil((someday + 120_000) / 30_000) * 30_000);
    });
  });

  it("says that nothing was stored, when nothing was", async () => {
    await onStorage(newStub(), async (storage) => {
      const pool = livePool(
        faulty(storage, (statement) => {
          if (statement.startsWith("INSERT INTO journal")) throw new InjectedError("the disk is full");
        }),
      );
      const [caller] = await Promise.allSettled([pool.execute([{ op: "configure" }])]);
      const error: unknown = caller?.status === "rejected" ? caller.reason : undefined;
      expect(error).toBeInstanceOf(NotPersistedError);
      expect(error).toMatchObject({ name: "NotPersistedError", cause: { message: "the disk is full" } });
      expect(await pool.read(({ settings }) => settings)).toBeNull();
    });
  });
});

function runs(step: Step, before: Moment): Promise<Smooth> {
  return onStorage(newStub(), async (storage) => {
    const statements: string[] = [];
    let isCounting = false;
    const pool = await wake(storage, before, step, (statement) => {
      if (isCounting) statements.push(statement);
    });
    isCounting = true;
    const outcomes = await deliver(pool, step);
    isCounting = false;
    const image = await imageOf(pool);
    expect(await storedImage(storage)).toBe(image);
    const journal = rowsAfter(storage, 0, 1_000);
    return { statements, outcomes, after: { now: before.now + (step.waits ?? 0), journal, image } };
  });
}

/** The step with its `nth` statement failing: who hears what, what is stored, and that it can be asked again. */
async function fails(step: Step, before: Moment, smooth: Smooth, nth: number, when: "before" | "after"): Promise<void> {
  const statement = smooth.statements[nth - 1] ?? "";
  const about = `statement ${nth} failed ${when} it ran: ${statement}`;
  await onStorage(newStub(), async (storage) => {
    let left = 0;
    const fault = (): void => {
      if (--left === 0) throw new InjectedError(statement);
    };
    const pool = await wake(storage, before, step, fault, when);
    left = nth;
    const callers = await Promise.allSettled([deliver(pool, step), pool.read(({ seq }) => seq), pool.execute([])]);
    left = 0;
    met.add(statement);
    // What comes after the flush is no caller's: the alarm that can't be set, and notifications that can't be handed over.
    // Nor is a snapshot, which is a shortcut past what is stored.
    const isSnapshot = /^(INSERT OR REPLACE INTO|DELETE FROM) snapshot/.test(statement);
    const isNote = step.does === "alarm" && statement.startsWith("INSERT OR REPLACE INTO head");
    const isAfter =
      statement === "setAlarm" || isSnapshot || isNote || smooth.statements.slice(0, nth).some(beginsHandOver);
    for (const caller of callers) expect(heardBy(caller), about).toBe(isAfter ? "success" : "failure");

    const stored = await storedImage(storage);
    const possible = isAfter ? [smooth.after.image] : [before.image, smooth.after.image];
    expect(possible.includes(stored), `${about}; stored: ${stored}`).toBe(true);
    expect(await imageOf(pool), about).toBe(stored);
    expect(await findings(storage, pool), about).toEqual([]);

    const outcomes = await deliver(pool, step);
    expect(outcomes.map(whatItDid), about).toEqual(smooth.outcomes.map(whatItDid));
    expect(await imageOf(pool), about).toBe(smooth.after.image);
    expect(await storedImage(storage), about).toBe(smooth.after.image);
    expect(await findings(storage, pool), about).toEqual([]);
  });
}

/** From here on what fails is no caller's. */
function beginsHandOver(statement: string): boolean {
  return statement.startsWith("SELECT seq, notification");
}

/** A pool that is awake at `before`, just when `step` is due. */
async function wake(
  storage: DurableObjectStorage,
  before: Moment,
  step?: Step,
  fault: Fault = () => undefined,
  when: "before" | "after" = "before",
): Promise<LivePool> {
  if (before.journal.length > 0) migrate(storage);
  for (const row of before.journal) append(storage, row);
  let { now } = before;
  const pool = livePool(faulty(storage, fault, when), () => now);
  expect(await imageOf(pool)).toBe(before.image);
  now += step?.waits ?? 0;
  return pool;
}

async function deliver(pool: LivePool, { does }: Step): Promise<readonly Outcome[]> {
  if (does !== "alarm") return pool.execute(does);
  await pool.alarm(noTasks);
  return [];
}

function heardBy(caller: PromiseSettledResult<unknown>): string {
  if (caller.status === "fulfilled") return "success";
  const isOurs = caller.reason instanceof NotPersistedError && caller.reason.cause instanceof InjectedError;
  return isOurs ? "failure" : String(caller.reason);
}

/** What a repeat answers as the first time; the standing of agent and pool is that of the moment. */
function whatItDid(outcome: Outcome): object {
  if (!outcome.ok) return outcome;
  return { ...outcome.result, agent: undefined, total: undefined, unallocated: undefined, replayed: undefined };
}
