/** What Anthropic's messages say of their price: tiers, regions, speed, iterations, and reports that change. */
import { type RecordedAnswer, recorded, type Written } from "./recorded.ts";
import { claude, type Fields, message, wholeMessage } from "./wire.ts";

const model = "claude-opus-5-5";
const { start, textBlock, text, blockStop, end, stop } = claude;
const noCache = { cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };

const whole = (name: string, usage: Fields, booked: Written["booked"], more: Fields = {}): Written => ({
  name,
  request: message(model, more),
  body: wholeMessage(model, "Olá!", usage),
  booked,
});
/** A stream that says `first` at its start, and `last` at its end. */
const stream = (name: string, first: unknown, last: unknown, booked: Written["booked"]): Written => ({
  name,
  request: message(model, { stream: true }),
  events: [start(model, first), textBlock, text("Olá!"), blockStop(), end(last), stop],
  booked,
  finalAt: 4,
});
const reported = (input: number, output: number, more: Fields = {}): Written["booked"] => ({
  usage: { input, output, ...more },
  reported: true,
});

const prices: readonly Written[] = [
  whole(
    "inference in the US",
    { input_tokens: 1_000, ...noCache, output_tokens: 60, service_tier: "standard", inference_geo: "us" },
    { usage: { input: 1_000, output: 60 }, reported: true, tier: "us" },
    { inference_geo: "us" },
  ),
  whole(
    "inference in the US, by the workspace's default",
    { input_tokens: 1_000, ...noCache, output_tokens: 60, inference_geo: "us" },
    { usage: { input: 1_000, output: 60 }, reported: true, tier: "us" },
  ),
  whole(
    "inference in no region that has a price, as of an older model",
    { input_tokens: 1_000, ...noCache, output_tokens: 60, inference_geo: "not_available" },
    reported(1_000, 60),
  ),
  whole(
    "fast mode",
    { input_tokens: 1_000, ...noCache, output_tokens: 60, service_tier: "standard", speed: "fast" },
    { usage: { input: 1_000, output: 60 }, reported: true, tier: "fast" },
    { speed: "fast" },
  ),
  whole(
    "fast mode that was asked for and not served",
    { input_tokens: 1_000, ...noCache, output_tokens: 60, service_tier: "standard", speed: "standard" },
    reported(1_000, 60),
    { speed: "fast" },
  ),
  {
    // Two factors at once: the form of this corpus has room for one.
    ...whole(
      "fast mode in the US",
      { input_tokens: 1_000, ...noCache, output_tokens: 60, inference_geo: "us", speed: "fast" },
      { usage: { input: 1_000, output: 60 }, reported: true, tier: "fast" },
      { speed: "fast", inference_geo: "us" },
    ),
    disputed: true,
  },
  {
    // Priority capacity is paid by a commitment, not by a price for each token: does it change what is booked?
    ...whole(
      "the priority tier",
      { input_tokens: 1_000, ...noCache, output_tokens: 60, service_tier: "priority" },
      { usage: { input: 1_000, output: 60 }, reported: true, tier: "priority" },
    ),
    disputed: true,
  },
  {
    name: "a stream in the US, which only its start says",
    request: message(model, { stream: true }),
    events: [
      start(model, { input_tokens: 17, ...noCache, output_tokens: 1, inference_geo: "us" }),
      textBlock,
      text("Olá!"),
      blockStop(),
      end({ output_tokens: 6 }),
      stop,
    ],
    booked: { usage: { input: 17, output: 6 }, reported: true, tier: "us" },
    finalAt: 4,
  },
  {
    name: "a snapshot that an alias stands for",
    request: message("claude-haiku-4-5"),
    body: wholeMessage("claude-haiku-4-5-20251001", "Olá!", { input_tokens: 17, output_tokens: 6 }),
    booked: { usage: { input: 17, output: 6 }, reported: true, model: "claude-haiku-4-5-20251001" },
  },
  {
    name: "a stream of a snapshot that an alias stands for",
    request: message("claude-haiku-4-5", { stream: true }),
    events: [
      start("claude-haiku-4-5-20251001", { input_tokens: 17, output_tokens: 1 }),
      textBlock,
      text("Olá!"),
      blockStop(),
      end({ output_tokens: 6 }),
      stop,
    ],
    booked: { usage: { input: 17, output: 6 }, reported: true, model: "claude-haiku-4-5-20251001" },
    finalAt: 4,
  },
];

/** A sampling of the server's own, in `usage.iterations`. */
const iteration = (type: string, input_tokens: number, output_tokens: number, more: Fields = {}): Fields => ({
  type,
  input_tokens,
  output_tokens,
  ...noCache,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
  ...more,
});

const iterations: readonly Written[] = [
  whole(
    "a compaction, whose tokens the top level does not contain",
    {
      input_tokens: 23_000,
      ...noCache,
      output_tokens: 1_000,
      iterations: [iteration("compaction", 180_000, 3_500), iteration("message", 23_000, 1_000)],
    },
    reported(203_000, 4_500),
  ),
  whole(
    "a compaction that reads from the cache and writes to it for an hour",
    {
      input_tokens: 2_000,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 20_000,
      output_tokens: 1_000,
      iterations: [
        iteration("compaction", 0, 3_500, {
          cache_read_input_tokens: 150_000,
          cache_creation_input_tokens: 4_000,
          cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 4_000 },
        }),
        iteration("message", 2_000, 1_000, { cache_read_input_tokens: 20_000 }),
      ],
    },
    reported(176_000, 4_500, { cacheRead: 170_000, cacheWrite: 4_000, cacheWrite1h: 4_000 }),
  ),
  whole(
    "a pause after a compaction, with nothing else",
    { input_tokens: 0, ...noCache, output_tokens: 0, iterations: [iteration("compaction", 180_000, 3_500)] },
    reported(180_000, 3_500),
  ),
  whole(
    "iterations of a loop of server tools, which the top level contains",
    {
      input_tokens: 5_000,
      ...noCache,
      output_tokens: 300,
      iterations: [iteration("message", 2_000, 100), iteration("message", 3_000, 200)],
    },
    reported(5_000, 300),
  ),
  stream(
    "a stream with a compaction, which only its end says",
    { input_tokens: 180_000, ...noCache, output_tokens: 1 },
    {
      input_tokens: 23_000,
      ...noCache,
      output_tokens: 1_000,
      iterations: [iteration("compaction", 180_000, 3_500), iteration("message", 23_000, 1_000)],
    },
    reported(203_000, 4_500),
  ),
  {
    // The advisor is another model, at a price of its own: a report of one model can't say it.
    ...whole(
      "an advisor's tokens, which the top level does not contain",
      {
        input_tokens: 5_000,
        ...noCache,
        output_tokens: 300,
        iterations: [
          iteration("message", 5_000, 300),
          iteration("advisor_message", 4_000, 700, { model: "claude-opus-5-5" }),
        ],
      },
      reported(9_000, 1_000),
    ),
    disputed: true,
  },
  whole("iterations of null", { input_tokens: 17, ...noCache, output_tokens: 6, iterations: null }, reported(17, 6)),
];

/** Counters are cumulative, and a later one replaces an earlier one; what is not named stays. */
const merged: readonly Written[] = [
  stream(
    "a start that estimates the input, and an end that knows it",
    { input_tokens: 5_000, output_tokens: 1 },
    { input_tokens: 4_000, output_tokens: 50 },
    reported(4_000, 50),
  ),
  stream(
    "a start of the whole prompt, and an end that says how much of it was read from the cache",
    { input_tokens: 9_000, output_tokens: 0 },
    { input_tokens: 168, cache_read_input_tokens: 8_704, output_tokens: 100 },
    reported(8_872, 100, { cacheRead: 8_704 }),
  ),
  stream(
    "a start of zeros, and an end that says all",
    { input_tokens: 0, ...noCache, output_tokens: 0 },
    {
      input_tokens: 350,
      cache_read_input_tokens: 20,
      cache_creation_input_tokens: 30,
      cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
      output_tokens: 14,
    },
    reported(400, 14, { cacheRead: 20, cacheWrite: 30, cacheWrite1h: 20 }),
  ),
  stream(
    "a start without usage, and an end that says all",
    undefined,
    { input_tokens: 350, cache_read_input_tokens: 20, output_tokens: 14 },
    reported(370, 14, { cacheRead: 20 }),
  ),
  stream(
    "an end that says cache writes and output, and not the input",
    { input_tokens: 0, ...noCache, output_tokens: 0 },
    { cache_creation_input_tokens: 10_000, output_tokens: 50 },
    reported(10_000, 50, { cacheWrite: 10_000 }),
  ),
  stream(
    "an end whose input and cache are null",
    { input_tokens: 17, cache_creation_input_tokens: 0, cache_read_input_tokens: 900, output_tokens: 1 },
    {
      input_tokens: null,
      cache_creation_input_tokens: null,
      cache_read_input_tokens: null,
      output_tokens: 6,
      output_tokens_details: null,
      server_tool_use: null,
    },
    reported(917, 6, { cacheRead: 900 }),
  ),
  stream(
    "an end that says the split by lifetime, which the start did not",
    { input_tokens: 10, cache_creation_input_tokens: 1_000, output_tokens: 1 },
    {
      input_tokens: 10,
      cache_creation_input_tokens: 1_000,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 1_000 },
      output_tokens: 50,
    },
    reported(1_010, 50, { cacheWrite: 1_000, cacheWrite1h: 1_000 }),
  ),
  {
    // Are the new 2,000 of five minutes, or of an hour as the rest?
    ...stream(
      "an end that has written more than the start split",
      {
        input_tokens: 10,
        cache_creation_input_tokens: 10_000,
        cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 10_000 },
        output_tokens: 1,
      },
      { input_tokens: 10, cache_creation_input_tokens: 12_000, output_tokens: 50 },
      reported(12_010, 50, { cacheWrite: 12_000, cacheWrite1h: 10_000 }),
    ),
    disputed: true,
  },
  whole(
    "a split whose total is missing",
    {
      input_tokens: 10,
      cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 },
      output_tokens: 50,
    },
    reported(310, 50, { cacheWrite: 300, cacheWrite1h: 200 }),
  ),
];

export const answers: readonly RecordedAnswer[] = recorded("anthropic-messages", "anthropic", [
  ...prices,
  ...iterations,
  ...merged,
]);
