/**
 * What usage costs, held against two second opinions: exact fractions of big integers, and the package that the
 * prices come from, which calculates by itself. BURSAR_SEED repeats a run, BURSAR_RUNS makes it longer or shorter.
 */
import { calcPrice } from "@pydantic/genai-prices";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { outputLeast } from "../../src/calls/bound.ts";
import { costOf, sumUp } from "../../src/pricing/cost.ts";
import { knownPrice, knownPrices } from "../../src/pricing/known.ts";
import { inMicrousd } from "../../src/pricing/microusd.ts";
import { inTokens } from "../../src/pricing/tariff.ts";
import type { PriceFields } from "../../src/protocol/price.ts";
import { requestIn } from "../support/requests.ts";

const seed = Number(process.env["BURSAR_SEED"] ?? Date.now());
const runs = Number(process.env["BURSAR_RUNS"] ?? 3_000);
console.info(`seed ${seed}`);

const rate = fc.integer({ min: 0, max: 1e9 });
const tokens = fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 0, max: 1e12 }));
const usage = fc
  .record({ plain: tokens, cacheRead: tokens, short: tokens, hour: tokens, output: tokens })
  .map(({ plain, cacheRead, short, hour, output }) => ({
    input: plain + cacheRead + short + hour,
    output,
    cacheRead,
    cacheWrite: short + hour,
    cacheWrite1h: hour,
    reasoning: 0,
  }));
const rates = fc.record(
  { input: rate, output: rate, cache_read: rate, cache_write: rate, cache_write_1h: rate },
  { requiredKeys: ["input", "output"] },
);

const now = Date.parse("2026-11-25T12:00:00Z");

const rowOf = (model: string) => knownPrice(model, now)?.input;

describe("the cost of usage", () => {
  it("is the exact sum, rounded up once", () => {
    fc.assert(
      fc.property(usage, rates, (used, price) => {
        const { input, output, cacheRead, cacheWrite, cacheWrite1h } = used;
        const { cache_read = price.input, cache_write = price.input } = price;
        const { cache_write_1h = cache_write } = price;
        const times = (count: number, one: number): bigint => BigInt(count) * BigInt(one);
        const exact =
          times(input - cacheRead - cacheWrite, price.input) +
          times(cacheRead, cache_read) +
          times(cacheWrite - cacheWrite1h, cache_write) +
          times(cacheWrite1h, cache_write_1h) +
          times(output, price.output);
        const up = (exact + 999_999n) / 1_000_000n;
        expect(BigInt(costOf(used, price))).toBe(up);
      }),
      { seed, numRuns: 5_000 },
    );
  });

  it("is what the package says, for every model that it prices, to the microusd", () => {
    const now = Date.parse("2026-11-25T12:00:00Z");
    const models = knownPrices(now);
    expect(models.length).toBeGreaterThan(90);
    for (const price of models) {
      for (const [input, output, cacheRead] of [
        [1_000, 500, 200],
        [150_000, 3_000, 0],
        [500_000, 10_000, 100_000],
      ] as const) {
        const said = calcPrice(
          { input_tokens: input, output_tokens: output, cache_read_tokens: cacheRead },
          price.model,
          { timestamp: new Date(now), providerId: price.source.includes("anthropic") ? "anthropic" : "openai" },
        );
        const ours = costOf({ input, output, cacheRead, cacheWrite: 0, reasoning: 0 }, price);
        // A row may be named for what it holds, and not by a model's name.
        const theirs = said === null ? undefined : said.total_price * 1e6;
        const isSame = theirs === undefined || Math.abs(ours - theirs) <= 1;
        expect([price.model, isSame]).toEqual([price.model, true]);
      }
    }
  });

  it("never falls when more is used", () => {
    fc.assert(
      fc.property(usage, rates, fc.integer({ min: 0, max: 1e6 }), (used, price, more) => {
        expect(costOf({ ...used, output: used.output + more }, price)).toBeGreaterThanOrEqual(costOf(used, price));
      }),
      { seed, numRuns: 1_000 },
    );
  });

  it("stays whole where products pass 2^53", () => {
    expect(sumUp([[1e12, 1e9]])).toBe(1e15);
    expect(sumUp([[999_999_999_999, 999_999_999]])).toBe(
      Number((999_999_999_999n * 999_999_999n + 999_999n) / 1_000_000n),
    );
  });
});

describe("a tariff", () => {
  const bodies = fc.record({
    words: fc.integer({ min: 1, max: 3_000 }),
    limit: fc.integer({ min: 1, max: 100_000 }),
    n: fc.integer({ min: 1, max: 8 }),
    granted: fc.integer({ min: 1, max: 50_000_000 }),
  });

  it("limits output to what was granted, and no tighter than it must", () => {
    fc.assert(
      fc.property(bodies, rates, ({ words, limit, n, granted }, price) => {
        const request = requestIn("openai-chat", {
          messages: [{ role: "user", content: "word ".repeat(words) }],
          max_tokens: limit,
          n,
        });
        for (const tariff of [inTokens, inMicrousd({ ...price, version: "v" })]) {
          const most = Math.min(limit, tariff.limitWithin(request, granted));
          if (tariff.bound(request, outputLeast) > granted) continue;
          expect(tariff.bound(request, most)).toBeLessThanOrEqual(granted);
          if (most < limit) expect(tariff.bound(request, most + 1)).toBeGreaterThan(granted);
        }
      }),
      { seed, numRuns: runs },
    );
  });

  it("bounds whatever a call that keeps to its limit may cost, cached or not, long or short", () => {
    const fields: fc.Arbitrary<PriceFields> = fc
      .tuple(rates, rates)
      .map(([short, long]) => ({ ...short, tiers: [{ above: 1_000, ...long }] }));
    fc.assert(
      fc.property(bodies, fields, fc.double({ min: 0, max: 1, noNaN: true }), ({ words, limit, n }, price, share) => {
        const request = requestIn("anthropic-messages", {
          model: "claude-opus-5",
          messages: [{ role: "user", content: "word ".repeat(words), cache_control: { type: "ephemeral", ttl: "1h" } }],
          max_tokens: limit,
          n,
        });
        const near = request.prompt <= 1_000 && request.prompt * 1.25 > 1_000;
        const { input, cache_write = input, cache_write_1h = cache_write } = price;
        // Rates that fall with the prompt's length, or lie below plain input, bound nothing dearer.
        if (near || cache_write_1h < cache_write) return;
        const write = Math.floor(request.prompt * share);
        const cacheWrite = Math.min(write, request.prompt);
        const tariff = inMicrousd({ ...price, version: "v" });
        const used = {
          input: request.prompt,
          output: limit,
          cacheRead: 0,
          cacheWrite,
          cacheWrite1h: cacheWrite,
          reasoning: 0,
        };
        expect(tariff.amountOf(used)).toBeLessThanOrEqual(tariff.bound(request, limit));
      }),
      { seed, numRuns: runs },
    );
  });
});

describe("a model's name", () => {
  it("finds its row: whole, by its beginning, or by its pattern", () => {
    expect(rowOf("gpt-4o")).toBe(2_500_000);
    expect(rowOf("gpt-4o-2024-05-13")).toBe(5_000_000);
    expect(rowOf("claude-haiku-4-5-20251001")).toBe(1_000_000);
    expect(rowOf("claude-opus-5-20260801")).toBe(5_000_000);
    expect(rowOf("gpt-6-sol-2026-10-01")).toBe(2_000_000);
    expect(rowOf("ft:gpt-4o-mini-2024-07-18:org::abc")).toBe(300_000);
  });

  it("does not find that of an older version, of another model, or of another provider", () => {
    for (const model of [
      "claude-opus-4-6-fast",
      "claude-sonnet-500",
      "claude-sonnet-5.123",
      "claude-sonnet-5-5",
      "claude-haiku-4-6",
      "gpt-4o-",
      "gpt-7",
      "GPT-4o",
      "gpt-4o-ultra",
      "",
    ]) {
      expect([model, rowOf(model)]).toEqual([model, undefined]);
    }
  });

  it("has the price of its day", () => {
    expect(knownPrice("gpt-5.6-luna", Date.parse("2026-07-29T23:59:59Z"))?.input).toBe(1_000_000);
    expect(knownPrice("gpt-5.6-luna", Date.parse("2026-07-30T00:00:00Z"))?.input).toBe(200_000);
  });
});
