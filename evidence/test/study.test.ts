/** The study's simulation, on traces so small that one can follow them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type Fleet, makeFleet } from "../study/fleet.ts";
import { measure } from "../study/measure.ts";
import { after } from "../study/policies/after.ts";
import { bursar, flat, gated, patient, shared } from "../study/policies/engine.ts";
import { policies } from "../study/policies/policies.ts";
import type { Policy } from "../study/policies/policy.ts";
import { seed } from "../study/policies/seed.ts";
import { simulate } from "../study/simulate.ts";
import { hurried, readTrace, syntheticTrace, type Trace } from "../study/trace.ts";

const folder = mkdtempSync(join(tmpdir(), "bursar-study-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function traceOf(calls: Trace["calls"]): Trace {
  return { name: "made", isSynthetic: true, speed: 1, calls };
}

/** Calls of one agent of two, all useful, `everyMs` apart: 100 tokens of prompt, 28 of answer. */
function fleetOf(priority: number, count: number, everyMs: number): Fleet {
  const agents = [
    { name: "asks", tier: "important", priority },
    { name: "idle", tier: "least", priority: 1 },
  ] as const;
  const calls = Array.from({ length: count }, (_, index) => ({
    id: `c${index}`,
    at: index * everyMs,
    agent: agents[0],
    prompt: 100,
    answer: 28,
    bound: 132,
    task: 1,
    isFirstOfTask: index === 0,
    isUseful: true,
    isConfident: false,
  }));
  return { agents, calls };
}

const apart = 10_000;

function measured(policy: Policy, fleet: Fleet, budget: number) {
  return measure(fleet, simulate(fleet, policy, budget), budget);
}

describe("a trace", () => {
  it("is read with its times from zero, in their order", () => {
    const path = join(folder, "good.csv");
    const lines = ["2023-11-16 18:17:04.5000000,30,8", "2023-11-16 18:17:03.2500000,4808,10"];
    writeFileSync(path, ["TIMESTAMP,ContextTokens,GeneratedTokens", ...lines].join("\r\n"));
    expect(readTrace(path)).toEqual({
      name: "good",
      isSynthetic: false,
      speed: 1,
      calls: [
        { at: 0, prompt: 4808, answer: 10 },
        { at: 1_250, prompt: 30, answer: 8 },
      ],
    });
  });

  it.each([
    ["other columns", "time,in,out\n1,2,3", "the first line must be TIMESTAMP,ContextTokens,GeneratedTokens"],
    ["a line that is none", "TIMESTAMP,ContextTokens,GeneratedTokens\nyesterday,1,2", "line 2: yesterday,1,2"],
    ["a count that is none", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:04.5,many,2", "line 2"],
  ])("with %s is refused, and it is said where", (_, text, said) => {
    const path = join(folder, "bad.csv");
    writeFileSync(path, text);
    expect(() => readTrace(path)).toThrow(said);
  });

  it("can be replayed faster", () => {
    const trace = hurried(traceOf([{ at: 6_000, prompt: 1, answer: 1 }]), 60);
    expect(trace).toMatchObject({ name: "made-60x", speed: 60, calls: [{ at: 100 }] });
  });
});

describe("a fleet", () => {
  it("makes every call of the trace, the same ones for the same seed", () => {
    const trace = syntheticTrace(1);
    const fleet = makeFleet(trace, 20, 7);
    expect(fleet.calls.map(({ at, prompt, answer }) => ({ at, prompt, answer }))).toEqual(trace.calls);
    expect(makeFleet(trace, 20, 7)).toEqual(fleet);
    expect(makeFleet(trace, 20, 8)).not.toEqual(fleet);
    expect(new Set(fleet.calls.map(({ agent }) => agent.name)).size).toBe(20);
  });

  it("is confident once in a task, and nothing is useful after that", () => {
    const { calls } = makeFleet(syntheticTrace(2), 8, 1);
    for (const tasks of Map.groupBy(calls, ({ agent }) => agent).values()) {
      for (const task of Map.groupBy(tasks, ({ task: number }) => number).values()) {
        const confident = task.findIndex(({ isConfident }) => isConfident);
        const useful = task.filter(({ isUseful }) => isUseful);
        // The last task of an agent may be cut off by the end of the trace.
        if (confident >= 0) expect(useful).toEqual(task.slice(0, confident + 1));
        expect(task.filter(({ isFirstOfTask }) => isFirstOfTask)).toEqual([task[0]]);
      }
    }
  });
});

describe("a policy", () => {
  it("with flat caps leaves the idle agent's half unspent", () => {
    const { important, stranded, refused } = measured(flat, fleetOf(3, 10, apart), 1_280);
    expect({ important, stranded, refused }).toEqual({ important: 0.4, stranded: 1 - (4 * 128) / 1_280, refused: 0.6 });
  });

  it("of Bursar's lets the idle agent's half flow, down to what that keeps", () => {
    // 640 of its own, 576 of the other's (all but a tenth of 640): nine times 128, and 64 that are too few.
    const { important, stranded } = measured(bursar, fleetOf(3, 10, apart), 1_280);
    expect(important).toBeCloseTo(0.9);
    expect(stranded).toBeCloseTo(0.1);
  });

  it("never lets it flow uphill", () => {
    const fleet = fleetOf(1, 10, apart);
    const agents = fleet.agents.map((agent) => (agent.name === "idle" ? { ...agent, priority: 3 } : agent));
    expect(measured(bursar, { ...fleet, agents }, 1_280).important).toBeCloseTo(0.4);
  });

  it("with a pot gives everything to whoever asks", () => {
    // The last call would take exactly what is left, but might take four tokens more.
    expect(measured(shared, fleetOf(1, 10, apart), 1_280).important).toBeCloseTo(0.9);
    expect(measured(shared, fleetOf(1, 10, apart), 1_284).important).toBe(1);
  });

  it("that counts afterwards lets all go that come at once", () => {
    expect(measured(after, fleetOf(3, 20, 0), 1_280)).toMatchObject({ important: 1, overspent: 1, refused: 0 });
  });

  it("that looks first and records afterwards does so, too; one that holds does not", () => {
    expect(measured(seed, fleetOf(3, 20, 0), 1_280).overspent).toBe(1);
    expect(measured(bursar, fleetOf(3, 20, 0), 1_280)).toMatchObject({ overspent: 0, important: 0.45 });
  });

  it("with patience waits for what is given back", () => {
    // At once there is room for the bounds of nine calls; what those don't need is room for no tenth.
    const budget = 1_440;
    const hasty = measured(bursar, fleetOf(3, 12, 0), budget);
    const waits = measured(patient, fleetOf(3, 12, 0), budget);
    expect(waits.important).toBeGreaterThanOrEqual(hasty.important);
    expect(waits.overspent).toBe(0);
  });

  it("with a gate stops the calls of a task that is answered", () => {
    const fleet = fleetOf(3, 10, apart);
    const calls = fleet.calls.map((call, index) => ({ ...call, isUseful: index < 4, isConfident: index === 3 }));
    const { outcomes } = simulate({ ...fleet, calls }, gated, 10_000);
    const endings = [...outcomes].sort((a, b) => a.call.at - b.call.at).map(({ ending }) => ending);
    expect(endings).toEqual([...Array(4).fill("done"), ...Array(6).fill("gated")]);
  });

  it.each(
    policies.filter((policy) => policy !== after && policy !== seed).map((policy) => [policy.name, policy] as const),
  )("that holds first never spends more than the budget: %s", (_, policy) => {
    for (const percent of [0.2, 0.6, 1]) {
      const { calls, ...trace } = syntheticTrace(3);
      const fleet = makeFleet(hurried({ ...trace, calls: calls.slice(0, 2_000) }, 200), 8, 3);
      const budget = Math.floor(percent * fleet.calls.reduce((sum, { prompt, answer }) => sum + prompt + answer, 0));
      const { outcomes, spent } = simulate(fleet, policy, budget);
      const really = outcomes
        .filter(({ ending }) => ending === "done")
        .reduce((sum, { call }) => sum + call.prompt + call.answer, 0);
      expect(spent).toBeLessThanOrEqual(budget);
      expect(really).toBeLessThanOrEqual(spent);
    }
  });
});
