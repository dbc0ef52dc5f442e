/** Pools of microusd through the gateway: every kind of token at its own price, and no model for nothing. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PriceFields } from "../../src/protocol/price.ts";
import { cached, input, used, words } from "../support/provider.ts";
import { books, call, type DialectName, dialects, eventsOf, type Stage, settled, startStage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
}, 90_000);
afterAll(() => stage?.stop());

const names = Object.keys(dialects) as DialectName[];
const money = { unit: "microusd" } as const;

/** Rates that make whole microusd of single tokens: a dollar a token is 10^12 of them, a thousandth 10^9. */
const price = { input: 3_000_000, output: 7_000_000, cache_read: 1_000_000 };
/** What an answer of the stand-in costs at it. */
const cost = 3 * (input - cached) + 1 * cached + 7 * words.length;

async function setPrice(model: string, fields: PriceFields): Promise<void> {
  await stage.bursar.prices.set(model, fields);
}

describe.each(names)("in dollars, a call of %s", (dialect) => {
  it("is held, clamped and booked at the price of its model, streamed or not", async () => {
    const model = `priced-${dialect}`;
    await setPrice(model, price);
    for (const stream of [false, true]) {
      const { pool, key } = await stage.newPool({ max_microusd: 10_000 }, money);
      const response = await call(stage, key, dialect, model, { body: { stream } });
      await response.text();
      expect(await settled(pool)).toMatchObject({ consumed: cost, held: 0, overage: 0 });
      expect(response.headers.get("x-bursar-granted-microusd")).toMatch(/^\d+$/);
      const [reserved] = await eventsOf(pool, "reserved");
      const [committed] = await eventsOf(pool, "committed");
      expect(reserved?.granted).toBeGreaterThanOrEqual(60 * 7);
      expect(committed?.usage).toEqual({
        provider: dialect === "messages" ? "anthropic" : "openai",
        model,
        input,
        output: words.length,
        cache_read: cached,
        cache_write: 0,
        reasoning: 0,
        price: { version: expect.stringMatching(/^tenant@/), ...price },
      });
    }
  });

  it("of a model without a price is refused, unless the pool names a fallback", async () => {
    const asked = stage.provider.calls.length;
    const { key } = await stage.newPool({}, money);
    const refused = await call(stage, key, dialect, "nobody-knows-me");
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { error: { bursar: { code: "model_not_priced", model: "nobody-knows-me" } } },
    ]);
    expect(stage.provider.calls.length).toBe(asked);
    const rescued = await stage.newPool({}, { ...money, fallback_price: { input: 1_000_000, output: 2_000_000 } });
    await (await call(stage, rescued.key, dialect, "nobody-knows-me")).text();
    expect(await settled(rescued.pool)).toMatchObject({ consumed: input + 2 * words.length });
    const [committed] = await eventsOf(rescued.pool, "committed");
    expect(committed?.usage?.price).toMatchObject({ version: "pool" });
  });

  it("that can't be paid for in full has its output limited to what is left", async () => {
    const model = `tight-${dialect}`;
    await setPrice(model, price);
    const { pool, key } = await stage.newPool({ max_microusd: 400 }, money);
    const response = await call(stage, key, dialect, model, {
      body: dialect === "responses" ? { max_output_tokens: 5_000 } : { max_tokens: 5_000 },
    });
    expect(response.status).toBe(200);
    await response.text();
    const limit = Number(response.headers.get("x-bursar-output-limit"));
    expect(limit).toBeGreaterThanOrEqual(16);
    expect(limit * 7).toBeLessThanOrEqual(400);
    expect(JSON.stringify(stage.provider.requests.at(-1))).toContain(`:${limit}`);
    expect(await settled(pool)).toMatchObject({ consumed: cost, overage: 0 });
  });
});

describe("the price of a call", () => {
  it("is the known one of a provider's model", async () => {
    const { pool, key } = await stage.newPool({}, money);
    await (await call(stage, key, "chat", "gpt-4o")).text();
    // $2.50, $1.25 and $10 a million: 40 + 5 + 100 millionths, rounded up once.
    expect(await settled(pool)).toMatchObject({ consumed: Math.ceil(16 * 2.5 + 4 * 1.25 + 10 * words.length) });
  });

  it("counts what is written to the cache, and for how long", async () => {
    const { pool, key } = await stage.newPool({}, money);
    await setPrice("stand-in:hour", { ...price, cache_write: 5_000_000, cache_write_1h: 9_000_000 });
    await (await call(stage, key, "messages", "stand-in:hour")).text();
    const plain = input - cached - 10;
    const whole = 3 * plain + 1 * cached + 5 * 6 + 9 * 4 + 7 * words.length;
    expect(await settled(pool)).toMatchObject({ consumed: whole });
    // What is journaled adds up to it again.
    const [{ usage } = { usage: undefined }] = await eventsOf(pool, "committed");
    const {
      cache_write = 0,
      cache_write_1h = 0,
      cache_read = 0,
      input: all = 0,
      output = 0,
      price: rates,
    } = usage ?? {};
    const parts = [
      [all - cache_read - cache_write, rates?.input],
      [cache_read, rates?.cache_read],
      [cache_write - cache_write_1h, rates?.cache_write],
      [cache_write_1h, rates?.cache_write_1h],
      [output, rates?.output],
    ] as const;
    expect(parts.reduce((sum, [count, rate]) => sum + (count * (rate ?? Number.NaN)) / 1e6, 0)).toBe(whole);
  });

  it("is that of the model that answered, where it is the dearer", async () => {
    await setPrice("stand-in:alias", price);
    await setPrice("dear-model", { input: 100_000_000, output: 100_000_000 });
    for (const stream of [false, true]) {
      const { pool, key } = await stage.newPool({}, money);
      await (await call(stage, key, "chat", "stand-in:alias", { body: { stream } })).text();
      expect(await settled(pool)).toMatchObject({ consumed: 100 * used });
      const [committed] = await eventsOf(pool, "committed");
      expect(committed?.usage).toMatchObject({ model: "dear-model", price: { input: 100_000_000 } });
    }
  });

  it("is the tenant's own for what answers by a name that it priced", async () => {
    await setPrice("gpt-4.1", { input: 1_000_000, output: 1_000_000 });
    const { pool, key } = await stage.newPool({}, money);
    // As OpenAI does: the answer names the snapshot, which the table prices higher.
    await (
      await call(stage, key, "chat", "gpt-4.1", { headers: { "x-stainless-snapshot": "gpt-4.1-2025-04-14" } })
    ).text();
    expect(await settled(pool)).toMatchObject({ consumed: used });
    await stage.bursar.prices.remove("gpt-4.1");
  });

  it("is that of the model that was asked for, where the table does not have the snapshot that answered", async () => {
    const { pool, key } = await stage.newPool({}, money);
    const snapshot = { "x-stainless-snapshot": "gpt-4o-mini-preview-exp" };
    await (await call(stage, key, "chat", "gpt-4o", { headers: snapshot })).text();
    expect(await settled(pool)).toMatchObject({ consumed: Math.ceil(16 * 2.5 + 4 * 1.25 + 10 * words.length) });
  });

  it("is that of long prompts where the prompt is long", async () => {
    await setPrice("tiered", {
      input: 1_000_000,
      output: 1_000_000,
      tiers: [{ above: 15, input: 2_000_000, output: 5_000_000 }],
    });
    const { pool, key } = await stage.newPool({}, money);
    await (await call(stage, key, "chat", "tiered")).text();
    expect(await settled(pool)).toMatchObject({ consumed: 2 * input + 5 * words.length });
  });

  it("may be nothing, where the tenant says so", async () => {
    await setPrice("free-model", { input: 0, output: 0 });
    const { pool, key } = await stage.newPool({}, money);
    expect((await call(stage, key, "chat", "free-model")).status).toBe(200);
    expect(await settled(pool)).toMatchObject({ consumed: 0, held: 0 });
  });

  it("of embeddings is that of their input", async () => {
    const { pool, key } = await stage.newPool({}, money);
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const body = JSON.stringify({ model: "text-embedding-3-large", input: "hello" });
    await (await fetch(`${stage.url}/openai/v1/embeddings`, { method: "POST", headers, body })).text();
    expect(await settled(pool)).toMatchObject({ consumed: Math.ceil(input * 0.13), held: 0 });
  });
});

describe("a pool that is made anew in another unit", () => {
  it("is counted in its new unit by the next call, whatever was remembered of it", async () => {
    await setPrice("remade", price);
    const { pool, key } = await stage.newPool();
    await (await call(stage, key, "chat", "remade")).text();
    expect(await books(pool)).toMatchObject({ consumed: used });
    await pool.delete();
    const anew = stage.bursar.pool(pool.name, { unit: "microusd" });
    await anew.configure();
    await anew.register("writer", { priority: 1, max_microusd: 10_000 });
    await (await call(stage, key, "chat", "remade")).text();
    expect(await settled(anew)).toMatchObject({ consumed: cost });
  });
});
