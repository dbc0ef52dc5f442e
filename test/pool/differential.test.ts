/**
 * The pool object beside the bare engine: random commands to both, while the object is evicted, aborted (before it has
 * stored an answer, and after), and its alarm is run. It must answer as the engine does, and storage must come to the
 * same state. BURSAR_SEED repeats a run, BURSAR_POOL_COMMANDS makes it longer or shorter, where the runtime is given
 * them as bindings.
 */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { afterEach, expect, it, vi } from "vitest";
import { applyDue, execute } from "../../src/engine/execute.ts";
import { toImage } from "../../src/engine/image.ts";
import { report } from "../../src/engine/results.ts";
import { emptyPool, nextLease } from "../../src/engine/state.ts";
import type { PoolObject } from "../../src/pool/pool-object.ts";
import type { Command, Outcome } from "../../src/protocol/commands.ts";
import type { PoolEvent } from "../../src/protocol/events.ts";
import { type Step, sequence } from "../engine/model/commands.ts";
import { run } from "../engine/model/naive.ts";
import { resolve } from "../engine/model/resolve.ts";
import { emptyWorld } from "../engine/model/world.ts";
import { again, anybody, audited, newStub, onStorage, type Stub, someday, storedImage } from "./stage.ts";

const seed = Number(process.env["BURSAR_SEED"] ?? Date.now());
const target = Number(process.env["BURSAR_POOL_COMMANDS"] ?? 4_000);
const sequencesPerRound = 5;
/** How far a sequence skips when it skips to the end of a lease. */
const longestSkip = 600_000;

/** What happens to the object along with a command. */
const mishaps = [
  "none",
  "delivered in one frame with the next",
  "delivered at once with the next",
  "read",
  "evicted",
  "alarm",
  "aborted",
  "aborted before it is stored",
  "aborted before it is answered",
] as const;
type Mishap = (typeof mishaps)[number];
const weights: { readonly [mishap in Mishap]: number } = {
  none: 30,
  "delivered in one frame with the next": 6,
  "delivered at once with the next": 6,
  read: 3,
  evicted: 2,
  alarm: 2,
  aborted: 1,
  "aborted before it is stored": 1,
  "aborted before it is answered": 1,
};
const mishap = fc.oneof(...mishaps.map((kind) => ({ weight: weights[kind], arbitrary: fc.constant(kind) })));

afterEach(() => void vi.useRealTimers());

it("answers as the engine does, whatever happens to the object in between", async () => {
  console.info(`seed ${seed}`);
  const met = new Map<string, number>();
  const played: Step[] = [];
  for (let round = 0; played.length < target; round++) {
    const plays = fc.asyncProperty(
      sequence,
      fc.array(mishap, { minLength: 200, maxLength: 200, size: "max" }),
      async (steps, around) => {
        vi.useFakeTimers({ toFake: ["Date"], now: someday });
        const pair = new Pair();
        for (const [index, step] of steps.entries()) {
          const kind = around[index % around.length] ?? "none";
          met.set(kind, (met.get(kind) ?? 0) + 1);
          await pair.plays(step, kind);
        }
        await pair.comesToTheSame();
        played.push(...steps);
      },
    );
    await fc.assert(plays, { seed: (seed + round) | 0, numRuns: sequencesPerRound });
  }
  console.info(`${played.length} commands, seed ${seed}: ${JSON.stringify(Object.fromEntries(met))}`);
  expect(played.length).toBeGreaterThanOrEqual(target);
  if (target >= 4_000) expect([...met.keys()].sort()).toEqual([...mishaps].sort());
});

/** A pool object and a bare engine with the same past. */
class Pair {
  readonly #name: string;
  #stub: Stub;
  readonly #pool = emptyPool();
  readonly #events: PoolEvent[] = [];
  /** Only to make commands of recipes with. */
  readonly #world = emptyWorld();
  readonly #past: Command[] = [];
  #clock = someday;
  /** Commands that are delivered together with the next. */
  #gathered: Command[] = [];

  constructor() {
    this.#stub = newStub();
    this.#name = this.#stub.name;
  }

  async plays({ tick, recipe }: Step, kind: Mishap): Promise<void> {
    const clock = (tick.to === "now" ? this.#clock : this.#leaseEnd()) + tick.plus;
    if (clock !== this.#clock) await this.#deliver("one by one");
    this.#clock = clock;
    vi.setSystemTime(clock);
    const command = resolve(this.#world, recipe, this.#past);
    run(this.#world, command, clock);
    this.#past.push(command);
    this.#gathered.push(command);
    await this.#deliverWith(kind, command);
  }

  async comesToTheSame(): Promise<void> {
    await this.#deliver("at once");
    const image = JSON.stringify(toImage(this.#pool));
    expect(await onStorage(this.#stub, storedImage)).toBe(image);
    if (this.#pool.settings !== null) await audited(this.#stub);
  }

  async #deliverWith(kind: Mishap, command: Command): Promise<void> {
    switch (kind) {
      case "none":
        return this.#deliver("one by one");
      case "delivered in one frame with the next":
        if (this.#gathered.length >= 4) await this.#deliver("one frame");
        return;
      case "delivered at once with the next":
        if (this.#gathered.length >= 3) await this.#deliver("at once");
        return;
      case "read":
        await this.#deliver("at once");
        return this.#read();
      case "evicted":
        await this.#deliver("one frame");
        // There is nothing to evict where the object was aborted just now.
        return evictDurableObject(this.#stub.raw).catch(() => undefined);
      case "alarm":
        await this.#deliver("one by one");
        return this.#alarm();
      case "aborted":
        await this.#deliver("one by one");
        return this.#abort(() => undefined);
      case "aborted before it is stored":
        await this.#abort((instance) => void instance.execute(anybody, [command]).catch(() => undefined));
        return this.#deliver("one by one");
      case "aborted before it is answered":
        this.#gathered.pop();
        await this.#deliver("one by one");
        await this.#abort((instance) => instance.execute(anybody, [command]));
        await this.#learnWhetherItRan(command);
        this.#gathered.push(command);
        return this.#deliver("one by one");
    }
  }

  async #deliver(how: "one by one" | "one frame" | "at once"): Promise<void> {
    const commands = this.#gathered;
    this.#gathered = [];
    const outcomes = await this.#run(commands, how);
    const expected = commands.map((command) => execute(this.#pool, command, this.#clock, this.#events));
    for (const [index, outcome] of outcomes.entries()) {
      expect(outcome, JSON.stringify(commands[index])).toEqual(expected[index]);
    }
  }

  async #run(commands: readonly Command[], how: "one by one" | "one frame" | "at once"): Promise<Outcome[]> {
    if (how === "one frame") return commands.length === 0 ? [] : this.#stub.run(commands);
    if (how === "at once") return (await Promise.all(commands.map((command) => this.#stub.run([command])))).flat();
    const outcomes: Outcome[] = [];
    for (const command of commands) outcomes.push(...(await this.#stub.run([command])));
    return outcomes;
  }

  async #read(): Promise<void> {
    const answer = await this.#stub.report();
    applyDue(this.#pool, this.#clock, this.#events);
    if (this.#pool.settings === null) expect(answer).toEqual({ ok: false, refusal: { code: "pool_not_found" } });
    else expect(answer).toEqual({ ok: true, result: report(this.#pool, this.#name.slice("tenant/".length)) });
  }

  /** The alarm is set whenever a lease is open; it ends what is due, and may come at any time. */
  async #alarm(): Promise<void> {
    const isDue = nextLease(this.#pool) !== undefined;
    const hasRun = await runDurableObjectAlarm(this.#stub.raw);
    if (isDue) expect(hasRun, "no alarm is set").toBe(true);
    if (hasRun) applyDue(this.#pool, this.#clock, this.#events);
  }

  async #abort(first: (instance: PoolObject) => Promise<unknown> | void): Promise<void> {
    await runInDurableObject(this.#stub.raw, async (instance, state) => {
      await first(instance);
      state.abort("the host went away");
    }).catch(() => undefined);
    this.#stub = again(this.#stub);
  }

  /** The abort may have come before the write was safe or after; both are right, but nothing in between. */
  async #learnWhetherItRan(command: Command): Promise<void> {
    const answer = await this.#stub.settings();
    applyDue(this.#pool, this.#clock, this.#events);
    const { seq } = this.#pool;
    const reached = answer.ok ? answer.result.seq : 0;
    if (reached === seq) return;
    execute(this.#pool, command, this.#clock, this.#events);
    expect(reached).toBe(this.#pool.seq);
  }

  #leaseEnd(): number {
    const lease = nextLease(this.#pool);
    return lease === undefined
      ? this.#clock
      : Math.max(this.#clock, Math.min(lease.expiresAt, this.#clock + longestSkip));
  }
}
