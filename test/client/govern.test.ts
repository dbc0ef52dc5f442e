import { describe, expect, it } from "vitest";
import { BudgetExceededError, BursarError } from "../../src/client/index.ts";
import { newPool, rejection } from "./stage.ts";

/** What OpenAI's SDK gives back for a chat completion. */
const completion = (prompt: number, output: number) => ({
  choices: [{ message: { role: "assistant", content: "…" } }],
  usage: { prompt_tokens: prompt, completion_tokens: output, total_tokens: prompt + output },
});

describe("the quick start of the Python library, with our client", () => {
  it("governs two agents and prints a report of the same shape", async () => {
    const pool = await newPool();
    await pool.register("researcher", { priority: 3, max_tokens: 4000 });
    await pool.register("critic", { priority: 1, max_tokens: 2000 });
    const callResearcher = pool.govern("researcher", async (_prompt: string) => completion(12, 300));
    const callCritic = pool.govern("critic", async (_prompt: string) => completion(8, 80));

    await callResearcher("find the latest figures on X");
    await callCritic("check the researcher's claims");

    expect(await pool.summary()).toEqual({
      researcher: { allocated: 4000, consumed: 312, remaining: 3688 },
      critic: { allocated: 2000, consumed: 88, remaining: 1912 },
    });
    expect(await pool.audit()).toMatchObject({ ok: true });
  });

  it("approves no second call once the agent is confident", async () => {
    const pool = await newPool();
    await pool.register("fact_checker", { priority: 2, max_tokens: 3000, confidence_threshold: 0.85 });
    let calls = 0;
    const check = pool.govern(
      "fact_checker",
      async (claim: string) => {
        calls++;
        return { answer: claim, confidence: 0.9 };
      },
      { confidence: (result) => result.confidence },
    );

    await check("the sky is blue");
    const error = await rejection(check("water is wet"));
    expect(error).toBeInstanceOf(BudgetExceededError);
    expect(error).toMatchObject({ code: "confidence_reached", agent: "fact_checker", status: 402 });
    expect(calls).toBe(1);

    await pool.agent("fact_checker").reopen();
    await check("water is wet");
    expect(calls).toBe(2);
  });

  it("lets budget flow from the critic to the researcher that runs short, and refuses what nobody can cover", async () => {
    const pool = await newPool();
    await pool.register("researcher", { priority: 3, max_tokens: 1000 });
    await pool.register("critic", { priority: 1, max_tokens: 2000 });
    const research = pool.govern("researcher", async () => completion(1000, 1500), { estimate: () => 2500 });
    await research();
    expect(await pool.summary()).toEqual({
      researcher: { allocated: 2500, consumed: 2500, remaining: 0 },
      critic: { allocated: 500, consumed: 0, remaining: 500 },
    });
    const error = await rejection(research());
    expect(error).toBeInstanceOf(BudgetExceededError);
    expect(error).toMatchObject({ code: "budget_exceeded", problem: { available: 0, transferable: 300 } });
  });
});

describe("a governed function", () => {
  it("gives the hold back when the call fails, and the error passes through", async () => {
    const pool = await newPool();
    await pool.register("writer", { priority: 1, max_tokens: 5000 });
    const broken = pool.govern("writer", async () => {
      throw new Error("the model is down");
    });
    expect(await rejection(broken())).toMatchObject({ message: "the model is down" });
    expect((await pool.ledger()).agents["writer"]).toMatchObject({ consumed: 0, held: 0 });
  });

  it("holds the tokens of the prompt and the output limit that the call names", async () => {
    const pool = await newPool();
    await pool.register("writer", { priority: 1, max_tokens: 5000 });
    let held = 0;
    const call = pool.govern("writer", async (_request: { prompt: string; max_tokens: number }) => {
      held = (await pool.ledger()).agents["writer"]?.held ?? 0;
      return completion(5, 5);
    });
    await call({ prompt: "one two three", max_tokens: 70 });
    expect(held).toBeGreaterThan(73);
    expect(held).toBeLessThan(110);
    expect((await pool.summary())["writer"]).toMatchObject({ consumed: 10 });
  });

  it("books an estimate of what went in and came out when the result reports no usage", async () => {
    const pool = await newPool();
    await pool.register("writer", { priority: 1, max_tokens: 5000 });
    await pool.govern("writer", (_prompt: string) => "four words of answer")("a prompt of five words");
    const consumed = (await pool.summary())["writer"]?.consumed ?? 0;
    expect(consumed).toBeGreaterThanOrEqual(9);
    expect(consumed).toBeLessThan(14);
  });

  it("books a reported zero as zero", async () => {
    const pool = await newPool();
    await pool.register("writer", { priority: 1, max_tokens: 5000 });
    await pool.govern("writer", async (_prompt: string) => completion(0, 0))("a prompt");
    expect((await pool.summary())["writer"]).toMatchObject({ consumed: 0 });
  });

  it("is counted in dollars at the price of its model, in a pool of dollars", async () => {
    const pool = await newPool({ unit: "microusd" });
    await pool.register("writer", { priority: 1, max_microusd: 1_000_000 });
    const spent = async () => (await pool.ledger()).agents["writer"]?.consumed;
    const run = async (of: string) => ({ ...completion(10, 10), of });
    // Of a model that is named where it is called, …
    const named = pool.govern("writer", async (request: { model: string }) => run(request.model));
    await named({ model: "gpt-4o" });
    expect(await spent()).toBe(Math.ceil(10 * 2.5 + 10 * 10));
    await expect(named({ model: "nobody-knows-me" })).rejects.toMatchObject({ code: "price_not_found" });
    // … or in the options, …
    await pool.govern("writer", run, { model: "gpt-4o" })("hello");
    expect(await spent()).toBe(125 + 125);
    // … or whose price is given.
    await pool.govern("writer", run, { price: { input: 1_000_000, output: 2_000_000 } })("hello");
    expect(await spent()).toBe(250 + 30);
    const { events } = await pool.journal();
    expect(events.at(-1)).toMatchObject({
      usage: { input: 10, output: 10, price: { version: "given", input: 1_000_000, output: 2_000_000 } },
    });
    await expect(pool.govern("writer", run)("hello")).rejects.toThrow("must name its model");
  });

  it("may count dollars by itself", async () => {
    const pool = await newPool({ unit: "microusd" });
    await pool.register("writer", { priority: 1, max_microusd: 1_000_000 });
    const write = pool.govern("writer", async () => completion(10, 10), {
      estimate: () => 500,
      usage: (result) => result.usage.total_tokens * 3,
    });
    await write();
    expect((await pool.summary())["writer"]).toEqual({ allocated: 1_000_000, consumed: 60, remaining: 999_940 });
  });

  it("does not run at all on a pool or agent that isn't there", async () => {
    const pool = await newPool();
    let calls = 0;
    const call = pool.govern("nobody", async () => void calls++);
    const error = await rejection(call());
    expect(error).toBeInstanceOf(BursarError);
    expect(error).toMatchObject({ code: "agent_not_found", status: 404 });
    expect(calls).toBe(0);
  });
});
