/** How a name finds its price, and what a call is booked as: each rule by an example that only it decides. */
import { calcPrice } from "@pydantic/genai-prices";
import { describe, expect, it } from "vitest";
import { bookedUsage } from "../../src/calls/booking.ts";
import { cacheWrite1hRate, cacheWriteRate, costOf, ratesAt, sumUp } from "../../src/pricing/cost.ts";
import { familyPrice, knownPrice, knownPrices } from "../../src/pricing/known.ts";
import { inMicrousd } from "../../src/pricing/microusd.ts";
import { familyVersion, givenVersion, poolVersion, replaces } from "../../src/pricing/origin.ts";
import { type PriceTable, priceAt, type Row, rowOf } from "../../src/pricing/table.ts";
import { inTokens } from "../../src/pricing/tariff.ts";
import type { Extent } from "../../src/providers/request.ts";

const row = (model: string, more: Partial<Row> = {}): Row => ({
  model,
  names: [],
  beginnings: [],
  patterns: [],
  prices: [{ input: 1, output: 2 }],
  ...more,
});

const table: PriceTable = {
  version: "1",
  as_of: "2026-01-01",
  providers: {
    openai: {
      source: "here",
      rows: [
        row("pattern", { patterns: ["^p-.*x$", "^q$"] }),
        row("short", { beginnings: ["m"] }),
        row("long", { beginnings: ["m-5", "m-5-y"] }),
        row("whole", { names: ["m-5", "other"] }),
      ],
    },
    anthropic: { source: "there", rows: [] },
    google: { source: "elsewhere", rows: [] },
  },
  others: [],
};

describe("a model's name in a table", () => {
  it.each([
    ["m-5", "whole"],
    ["other", "whole"],
    ["m", "short"],
    ["m-latest", "short"],
    ["m-latest-1", undefined],
    ["m:free", "short"],
    ["m@2025", "short"],
    ["m20250101", "short"],
    ["m-2025", "short"],
    ["m@1234-01-02", "short"],
    ["m-2025-01-02:ft", "short"],
    ["m-2025-01-02x", undefined],
    ["m-202", undefined],
    ["m-002", "short"],
    ["m-002-x", undefined],
    ["m-128", undefined],
    ["m12-31", "short"],
    ["m12-31x", undefined],
    ["m12-31@x", "short"],
    ["m-5-20250101", "long"],
    ["m-5-y-20250101", "long"],
    ["m-55", undefined],
    ["p-1x", "pattern"],
    ["p-1", undefined],
    ["q", "pattern"],
    ["qq", undefined],
    ["", undefined],
  ])("%j finds %s", (model, found) => expect(rowOf(table.providers.openai, model)?.model).toBe(found));

  it("is looked for at one provider", () => expect(rowOf(table.providers.anthropic, "m-5")).toBeUndefined());

  it("has the last price that began, and none before the first", () => {
    const dated = row("d", {
      prices: [
        { input: 1, output: 1, from: 100 },
        { input: 2, output: 2, from: 200 },
      ],
    });
    expect(priceAt(dated, 99)).toBeUndefined();
    expect(priceAt(dated, 100)?.input).toBe(1);
    expect(priceAt(dated, 199)?.input).toBe(1);
    expect(priceAt(dated, 200)?.input).toBe(2);
    expect(priceAt(row("always"), 0)?.input).toBe(1);
  });
});

describe("the known prices", () => {
  const now = Date.parse("2026-11-25T12:00:00Z");

  it("are told with their version, their source and their day, and by the name that was asked for", () => {
    expect(knownPrice("gpt-4o-2024-11-20", now)).toMatchObject({
      model: "gpt-4o-2024-11-20",
      version: expect.stringMatching(/^genai-prices@\d/),
      source: expect.stringContaining("openai"),
      as_of: expect.stringMatching(/^20\d\d-\d\d-\d\d$/),
    });
    expect(knownPrice("gpt-4o", now)).not.toHaveProperty("from");
    expect(knownPrice("claude-opus-5", now, "openai")?.output).toBeGreaterThanOrEqual(25_000_000);
    expect(knownPrice("claude-opus-5", now, "anthropic")?.source).toContain("anthropic");
    expect(knownPrice("no-such-model", now)).toBeUndefined();
  });

  it("are those of the day, of the gateway's providers, one for each row", () => {
    const of = (day: string) => knownPrices(Date.parse(day)).find(({ model }) => model === "gpt-5.6-luna")?.input;
    expect(of("2026-07-29T23:59:59Z")).toBe(1_000_000);
    expect(of("2026-07-30T00:00:00Z")).toBe(200_000);
    expect(new Set(knownPrices(now).map(({ source }) => source)).size).toBe(3);
  });

  it.each([
    ["deepseek-chat", /^genai-prices@[\d.]+$/],
    ["openai/gpt-5", /^genai-prices@[\d.]+$/],
    ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", /^genai-prices@/],
    ["claude-sonnet-4-5@20250929", /^genai-prices@[\d.]+$/],
    ["llama-3.3-70b-versatile", /^genai-prices@[\d.]+$/],
    ["gpt-6.2-sol", /~gpt-6$/],
    ["claude-sonnet-5-5", /~claude-sonnet/],
    ["claude-haiku-5-5", /~claude-haiku$/],
  ])("have %s, with how it was found", (model, version) => {
    expect((knownPrice(model, now) ?? familyPrice(model, now))?.version).toMatch(version);
  });

  it("of a family are those of its dearest member", () => {
    const family = knownPrices(now).filter(({ model }) => /^gpt-6(-|$)/.test(model));
    const dearest = Math.max(...family.map(({ output }) => output));
    expect(family.length).toBeGreaterThan(1);
    expect(familyPrice("gpt-6.2-nova", now)?.output).toBe(dearest);
    expect(familyPrice("claude-opus-4-6-fast", now)).toBeUndefined();
    expect(familyPrice("no-such-model", now)).toBeUndefined();
  });

  it.each([
    ["gpt-6.2-sol", "gpt-6-sol"],
    ["gpt-4o-mini-preview", "gpt-4o-mini"],
    ["gemini-2.5-flash-lite-exp", "gemini-2.5-flash-lite"],
    ["gpt-5-mini-preview", "gpt-5-mini"],
  ])("of a family are those of the member that is called alike: %s as %s", (model, member) => {
    const { input, output } = knownPrice(member, now) ?? {};
    expect(familyPrice(model, now)).toMatchObject({ input, output, model });
  });

  it("of a family leave out what is priced apart, unless that was asked for", () => {
    const most = (pattern: RegExp) =>
      Math.max(...knownPrices(now).flatMap(({ model, output }) => (pattern.test(model) ? [output] : [])));
    // No pro, no audio, no search: those cost up to ten times as much.
    expect(familyPrice("gpt-5-nova", now)?.output).toBe(
      most(/^gpt-5(\.\d)?(-(mini|nano|codex|codex-mini|luna|sol|terra))?$/),
    );
    expect(familyPrice("gpt-5.9-pro", now)?.output).toBe(most(/^gpt-5(\.\d)?-pro$/));
  });

  it.each([
    ["google", "gemini-2.0-flash"],
    ["google", "gemini-2.0-flash-001"],
    ["google", "gemini-2.0-flash-lite"],
    ["google", "gemini-2.5-flash"],
    ["google", "gemini-2.5-flash-lite"],
    ["google", "gemini-2.5-pro"],
    ["google", "gemini-3-flash-preview"],
    ["google", "gemini-3-pro-preview"],
    ["google", "gemini-3.1-flash-lite"],
    ["google", "gemini-3.1-pro-preview"],
    ["google", "gemini-3.5-flash"],
    ["openai", "gpt-4o-mini-2024-07-18"],
    ["openai", "gpt-5.5"],
    ["anthropic", "claude-opus-5"],
  ] as const)("of %s's %s are what the package says that it costs", (provider, model) => {
    const usage = { input_tokens: 10_000, output_tokens: 1_000 };
    const second = calcPrice(usage, model, { providerId: provider, timestamp: new Date(now) });
    const price = knownPrice(model, now, provider);
    expect(price?.version).not.toContain("~");
    expect(price && costOf({ input: 10_000, output: 1_000, cacheRead: 0, cacheWrite: 0, reasoning: 0 }, price)).toBe(
      Math.ceil((second?.total_price ?? Number.NaN) * 1e6 - 1e-6),
    );
  });

  it("have no model that bills images, speech or video apart", () => {
    for (const model of [
      "gemini-2.5-flash-image",
      "gemini-omni-flash-preview",
      "gpt-realtime",
      "gpt-image-1",
      "gpt-audio",
    ]) {
      expect(knownPrice(model, now), model).toBeUndefined();
    }
  });
});

describe("the price of the model that answered", () => {
  const of = (version: string) => ({ version, input: 1, output: 1 });
  const table = of("genai-prices@1");
  const tenant = of("tenant@2026-11-28");

  it.each([
    ["one of the table", table, table, true],
    ["one of the table", table, of(familyVersion("genai-prices@1", "gpt-6")), true],
    ["one of the table", table, tenant, false],
    ["one of the table", table, of(poolVersion), false],
    ["one of the table", table, of(givenVersion), false],
    ["one of the tenant's", tenant, table, true],
    ["one of the tenant's", tenant, tenant, true],
    ["one of the tenant's", tenant, of(poolVersion), true],
    ["one of the tenant's", tenant, of(givenVersion), false],
    ["a family's", of(familyVersion("genai-prices@1", "gpt-6")), table, false],
    ["a family's", of(familyVersion("genai-prices@1", "gpt-6")), tenant, false],
  ])("being %s, replaces the price of %o (served %o): %s", (_, served, asked, does) => {
    expect(replaces(served, asked)).toBe(does);
  });
});

describe("rates", () => {
  const price = {
    input: 10,
    output: 20,
    cache_read: 1,
    tiers: [
      { above: 100, input: 30, output: 40 },
      { above: 200, input: 50, output: 60, cache_write: 70, cache_write_1h: 80 },
    ],
  };

  it("are those of the prompt's length, above and not at it", () => {
    expect(ratesAt(price, 100)).toMatchObject({ input: 10, output: 20, cache_read: 1 });
    expect(ratesAt(price, 101)).toEqual({ input: 30, output: 40 });
    expect(ratesAt(price, 201)).toMatchObject({ input: 50, cache_write: 70, cache_write_1h: 80 });
    expect(ratesAt({ input: 1, output: 2 }, 5)).toEqual({ input: 1, output: 2 });
  });

  it("of the cache are those of plain input where none are given, and of an hour those of the cache", () => {
    expect(cacheWriteRate({ input: 5, output: 1 })).toBe(5);
    expect(cacheWriteRate({ input: 5, output: 1, cache_write: 7 })).toBe(7);
    expect(cacheWrite1hRate({ input: 5, output: 1, cache_write: 7 })).toBe(7);
    expect(cacheWrite1hRate({ input: 5, output: 1, cache_write: 7, cache_write_1h: 9 })).toBe(9);
    expect(cacheWrite1hRate({ input: 5, output: 1, cache_write_1h: 0 })).toBe(0);
  });

  it("are multiplied without leaving the whole numbers", () => {
    expect(sumUp([])).toBe(0);
    expect(sumUp([[1, 1]])).toBe(1);
    expect(sumUp([[1_000_000, 1]])).toBe(1);
    expect(sumUp([[1_000_001, 1]])).toBe(2);
    expect(
      sumUp([
        [999_999, 1],
        [1, 1],
      ]),
    ).toBe(1);
    expect(sumUp([[1e12, 1e9]])).toBe(1e15);
  });

  it("never make usage that contradicts itself cheaper than nothing", () => {
    const usage = { input: 5, output: 0, cacheRead: 10, cacheWrite: 0, reasoning: 0 };
    expect(costOf(usage, { input: 1_000_000, output: 0, cache_read: 1_000_000 })).toBe(10);
  });
});

describe("a tariff", () => {
  const request = (more: Partial<Extent> = {}): Extent => ({
    prompt: 100,
    answers: 2,
    writes: true,
    cacheWrites: "never",
    tier: undefined,
    tools: [],
    ...more,
  });
  const price = {
    version: "v",
    input: 1_000_000,
    output: 2_000_000,
    cache_write: 3_000_000,
    cache_write_1h: 4_000_000,
  };

  it("in tokens bounds, limits and counts them as they are", () => {
    expect(inTokens.unit).toBe("tokens");
    expect(inTokens.bound(request(), 10)).toBe(120);
    expect(inTokens.limitWithin(request(), 121)).toBe(10);
  });

  it("in dollars holds input at the dearest that it may cost", () => {
    const tariff = inMicrousd(price);
    expect(tariff.unit).toBe("microusd");
    expect(tariff.bound(request(), 10)).toBe(100 + 40);
    expect(tariff.bound(request({ cacheWrites: "short" }), 10)).toBe(300 + 40);
    expect(tariff.bound(request({ cacheWrites: "hour" }), 10)).toBe(400 + 40);
    expect(tariff.bound(request({ writes: false }), 10)).toBe(100);
    const cheapCache = inMicrousd({ ...price, cache_write: 1 });
    expect(cheapCache.bound(request({ cacheWrites: "short" }), 10)).toBe(100 + 40);
  });

  it("in dollars limits an answer to what is granted, and never below nothing", () => {
    const tariff = inMicrousd(price);
    expect(tariff.limitWithin(request(), 140)).toBe(10);
    expect(tariff.limitWithin(request(), 143)).toBe(10);
    expect(tariff.limitWithin(request(), 144)).toBe(11);
    expect(tariff.limitWithin(request(), 50)).toBe(0);
    expect(tariff.limitWithin(request({ writes: false }), 50)).toBe(Number.MAX_SAFE_INTEGER);
    expect(inMicrousd({ ...price, output: 0 }).limitWithin(request(), 50)).toBe(Number.MAX_SAFE_INTEGER);
  });

  it("holds a prompt that comes near a dearer length at the dearer rates, and books it by its own", () => {
    const tiered = inMicrousd({
      version: "v",
      input: 1_000_000,
      output: 0,
      tiers: [{ above: 125, input: 9_000_000, output: 0 }],
    });
    expect(tiered.bound(request({ prompt: 100 }), 1)).toBe(100);
    expect(tiered.bound(request({ prompt: 101 }), 1)).toBe(909);
    const usage = { input: 101, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 };
    expect(bookedUsage(usage, tiered, { isReported: true }).price?.input).toBe(1_000_000);
  });

  it("books a call with who answered, what was used, and the rates behind it", () => {
    const usage = { input: 5, output: 6, cacheRead: 1, cacheWrite: 2, reasoning: 3 };
    const counts = { input: 5, output: 6, cache_read: 1, cache_write: 2, reasoning: 3 };
    expect(bookedUsage(usage, inTokens, { isReported: true })).toStrictEqual(counts);
    expect(bookedUsage(usage, inTokens, { provider: "openai", model: "", isReported: true })).toStrictEqual({
      provider: "openai",
      ...counts,
    });
    const long = bookedUsage({ ...usage, cacheWrite1h: 2 }, inMicrousd(price), {
      provider: "openai",
      model: "m".repeat(300),
      isReported: false,
    });
    expect(long).toEqual({
      provider: "openai",
      model: "m".repeat(256),
      ...counts,
      cache_write_1h: 2,
      estimated: true,
      price: { version: "v", input: 1_000_000, output: 2_000_000, cache_write: 3_000_000, cache_write_1h: 4_000_000 },
    });
  });
});
