/** Others that answer in the form of Anthropic's messages: makers of models, clouds, proxies and local servers. */
import { type RecordedAnswer, recorded, type Written } from "./recorded.ts";
import { claude, data, event, type Fields, message, typed, wholeMessage } from "./wire.ts";

const { start, textBlock, text, blockStop, end, ping, stop } = claude;

/** A stream of `model` that says `first` at its start, and `last` at its end. */
const stream = (name: string, model: string, first: unknown, last: unknown, usage: Written["booked"]): Written => ({
  name,
  request: message(model, { stream: true }),
  events: [start(model, first), textBlock, text("Olá!"), blockStop(), end(last), stop],
  booked: usage,
  finalAt: 4,
});
const reported = (input: number, output: number, more: Fields = {}): Written["booked"] => ({
  usage: { input, output, ...more },
  reported: true,
});

const moonshot = recorded("anthropic-messages", "moonshot", [
  {
    ...stream(
      "a start of the whole prompt, and an end with its split and prompt_tokens beside",
      "kimi-k2.6",
      { input_tokens: 8_872, output_tokens: 0 },
      { input_tokens: 168, output_tokens: 100, cache_read_input_tokens: 8_704, prompt_tokens: 8_872 },
      reported(8_872, 100, { cacheRead: 8_704 }),
    ),
    source: "https://github.com/maximhq/bifrost/issues/5510",
  },
  {
    name: "a whole answer with prompt_tokens beside the split",
    request: message("kimi-k2.6"),
    body: wholeMessage("kimi-k2.6", "Olá!", {
      input_tokens: 168,
      output_tokens: 100,
      cache_read_input_tokens: 8_704,
      prompt_tokens: 8_872,
      completion_tokens: 100,
      total_tokens: 8_972,
    }),
    booked: reported(8_872, 100, { cacheRead: 8_704 }),
  },
]);

const qwen = recorded("anthropic-messages", "qwen", [
  stream(
    "a start of the whole prompt, and an end with its split",
    "qwen3-coder-plus",
    { input_tokens: 8_872, output_tokens: 0 },
    { input_tokens: 168, output_tokens: 100, cache_creation_input_tokens: 0, cache_read_input_tokens: 8_704 },
    reported(8_872, 100, { cacheRead: 8_704 }),
  ),
]);

const zai = recorded("anthropic-messages", "zai", [
  {
    ...stream(
      "a start of zeros, and everything at the end",
      "glm-5",
      { input_tokens: 0, output_tokens: 0 },
      {
        input_tokens: 200,
        output_tokens: 14,
        cache_read_input_tokens: 200,
        server_tool_use: { web_search_requests: 0 },
        service_tier: "standard",
      },
      reported(400, 14, { cacheRead: 200 }),
    ),
    source: "https://github.com/zai-org/GLM-5/issues/139",
  },
]);

const deepseek = recorded("anthropic-messages", "deepseek", [
  {
    name: "a stream of thinking without a signature",
    request: message("deepseek-chat", { stream: true }),
    events: [
      start("deepseek-chat", {
        input_tokens: 36,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 256,
        output_tokens: 0,
        service_tier: "standard",
      }),
      claude.block({ type: "thinking", thinking: "", signature: "" }),
      ping,
      claude.delta({ type: "thinking_delta", thinking: "Portuguese." }),
      blockStop(),
      claude.block({ type: "text", text: "" }, 1),
      text("Olá!", 1),
      blockStop(1),
      end({ input_tokens: 36, cache_creation_input_tokens: 0, cache_read_input_tokens: 256, output_tokens: 21 }),
      stop,
    ],
    booked: reported(292, 21, { cacheRead: 256 }),
    finalAt: 8,
  },
]);

const bedrock = recorded("anthropic-messages", "bedrock", [
  {
    name: "a stream with the service's own metrics in message_stop",
    request: message("claude-sonnet-4-5-20250929", { stream: true }),
    events: [
      start(
        "claude-sonnet-4-5-20250929",
        { input_tokens: 17, cache_creation_input_tokens: 0, cache_read_input_tokens: 2_000, output_tokens: 1 },
        { id: "msg_bdrk_01Lx" },
      ),
      textBlock,
      text("Olá!"),
      blockStop(),
      end({ output_tokens: 6 }),
      typed("message_stop", {
        "amazon-bedrock-invocationMetrics": {
          inputTokenCount: 17,
          outputTokenCount: 6,
          invocationLatency: 812,
          firstByteLatency: 400,
          cacheReadInputTokenCount: 2_000,
          cacheWriteInputTokenCount: 0,
        },
      }),
    ],
    booked: reported(2_017, 6, { cacheRead: 2_000 }),
    finalAt: 4,
  },
]);

const vertex = recorded("anthropic-messages", "vertex", [
  {
    name: "a stream under an id and a name of its own",
    request: message("claude-sonnet-4-5@20250929", { stream: true }),
    events: [
      event("vertex_event", { type: "vertex_event" }),
      start(
        "claude-sonnet-4-5-20250929",
        { input_tokens: 17, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 1 },
        { id: "msg_vrtx_01Lx" },
      ),
      ping,
      textBlock,
      text("Olá!"),
      blockStop(),
      end({ output_tokens: 6 }),
      stop,
    ],
    booked: { usage: { input: 17, output: 6 }, reported: true, model: "claude-sonnet-4-5-20250929" },
    finalAt: 6,
  },
]);

const openrouter = recorded("anthropic-messages", "openrouter", [
  {
    name: "a whole answer with costs, and tokens of thinking",
    request: message("anthropic/claude-sonnet-5"),
    body: wholeMessage("anthropic/claude-sonnet-5", "Olá!", {
      input_tokens: 404,
      cache_creation_input_tokens: 512,
      cache_read_input_tokens: 1_024,
      output_tokens: 62,
      output_tokens_details: { thinking_tokens: 40 },
      cost: 0.0123,
      is_byok: false,
      cost_details: { upstream_inference_cost: null },
    }),
    booked: reported(1_940, 62, { cacheRead: 1_024, cacheWrite: 512, reasoning: 40 }),
  },
]);

const litellm = recorded("anthropic-messages", "litellm", [
  {
    name: "a whole answer with total_tokens beside",
    request: message("claude-sonnet-5"),
    body: wholeMessage("claude-sonnet-5", "Olá!", {
      input_tokens: 60,
      cache_read_input_tokens: 1_000,
      output_tokens: 6,
      total_tokens: 1_066,
    }),
    booked: reported(1_060, 6, { cacheRead: 1_000 }),
  },
  stream(
    "a stream with total_tokens beside, at its start and at its end",
    "claude-sonnet-5",
    { input_tokens: 60, cache_read_input_tokens: 1_000, output_tokens: 0, total_tokens: 1_060 },
    { input_tokens: 60, cache_read_input_tokens: 1_000, output_tokens: 6, total_tokens: 1_066 },
    reported(1_060, 6, { cacheRead: 1_000 }),
  ),
  {
    // Its end adds the cache to the input, which the dialect keeps apart: the sum would count the reads twice.
    ...stream(
      "an end whose input contains what was read from the cache",
      "claude-sonnet-5",
      { input_tokens: 10, cache_creation_input_tokens: 0, cache_read_input_tokens: 9_000, output_tokens: 1 },
      { input_tokens: 9_010, cache_creation_input_tokens: 0, cache_read_input_tokens: 9_000, output_tokens: 50 },
      reported(9_010, 50, { cacheRead: 9_000 }),
    ),
    disputed: true,
    source: "https://github.com/BerriAI/litellm/pull/24850",
  },
]);

const relay = recorded("anthropic-messages", "relay", [
  {
    ...stream(
      "no usage at the start, and everything at the end",
      "claude-sonnet-5",
      undefined,
      { input_tokens: 17, cache_creation_input_tokens: 0, cache_read_input_tokens: 900, output_tokens: 6 },
      reported(917, 6, { cacheRead: 900 }),
    ),
    source: "https://github.com/api7/aisix/pull/712",
  },
  {
    // A zero that stands for "not said here" replaces what the start knew, by the rule.
    ...stream(
      "an end whose input and cache are zero where the start had counted them",
      "claude-sonnet-5",
      { input_tokens: 15, cache_creation_input_tokens: 0, cache_read_input_tokens: 900, output_tokens: 1 },
      { input_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 6 },
      reported(915, 6, { cacheRead: 900 }),
    ),
    disputed: true,
    source: "https://github.com/envoyproxy/ai-gateway/pull/1631",
  },
  stream(
    "counts as strings",
    "claude-sonnet-5",
    { input_tokens: "17", output_tokens: "1" },
    { output_tokens: "6" },
    reported(17, 6),
  ),
  {
    name: "no usage anywhere",
    request: message("claude-sonnet-5", { stream: true }),
    events: [start("claude-sonnet-5", undefined), textBlock, text("Olá, povo!"), blockStop(), end(undefined), stop],
    booked: { estimated: true, delivered: "Olá, povo!" },
  },
  {
    name: "a whole answer without usage",
    request: message("claude-sonnet-5"),
    body: wholeMessage("claude-sonnet-5", "Olá, povo!", undefined),
    booked: { estimated: true, delivered: "Olá, povo!" },
  },
  {
    name: "no message_stop after the final report",
    request: message("claude-sonnet-5", { stream: true }),
    events: [
      start("claude-sonnet-5", { input_tokens: 17, output_tokens: 1 }),
      textBlock,
      text("Olá!"),
      blockStop(),
      end({ output_tokens: 6 }),
    ],
    booked: reported(17, 6),
    finalAt: 4,
  },
  {
    name: "usage in message_stop, too",
    request: message("claude-sonnet-5", { stream: true }),
    events: [
      start("claude-sonnet-5", { input_tokens: 17, output_tokens: 1 }),
      textBlock,
      text("Olá!"),
      blockStop(),
      end({ output_tokens: 6 }),
      typed("message_stop", { usage: { input_tokens: 17, output_tokens: 6 } }),
    ],
    booked: reported(17, 6),
    finalAt: 4,
  },
  {
    name: "a stream that closes without a byte",
    request: message("claude-sonnet-5", { stream: true }),
    events: [],
    booked: { free: true },
  },
  {
    name: "pings only, and the end",
    request: message("claude-sonnet-5", { stream: true }),
    events: [ping, ping],
    booked: { free: true },
  },
  {
    name: "an error in OpenAI's form",
    request: message("claude-sonnet-5", { stream: true }),
    events: [data({ error: { message: "no available accounts", type: "server_error" } })],
    booked: { free: true },
  },
  {
    name: "an error as a whole answer to a request of a stream",
    request: message("claude-sonnet-5", { stream: true }),
    contentType: "application/json",
    body: JSON.stringify({ type: "error", error: { type: "rate_limit_error", message: "Number of requests" } }),
    booked: { free: true },
  },
  {
    name: "a whole answer to a request of a stream",
    request: message("claude-sonnet-5", { stream: true }),
    contentType: "application/json",
    body: wholeMessage("claude-sonnet-5", "Olá!", { input_tokens: 17, output_tokens: 6 }),
    booked: reported(17, 6),
  },
  {
    name: "another model than was asked for, at its start",
    request: message("claude-sonnet-5", { stream: true }),
    events: [
      start("glm-5", { input_tokens: 17, output_tokens: 1 }),
      textBlock,
      text("Olá!"),
      blockStop(),
      end({ output_tokens: 6 }),
      stop,
    ],
    booked: { usage: { input: 17, output: 6 }, reported: true, model: "glm-5" },
    finalAt: 4,
  },
]);

const local = [
  ...recorded("anthropic-messages", "ollama", [
    stream(
      "a start whose input is an estimate, and an end of counts",
      "qwen3:8b",
      { input_tokens: 31, output_tokens: 0 },
      { input_tokens: 26, output_tokens: 12 },
      reported(26, 12),
    ),
  ]),
  ...recorded("anthropic-messages", "vllm", [
    stream(
      "a start without output, and an end of counts",
      "Qwen/Qwen3-32B",
      { input_tokens: 26, output_tokens: 0, cache_creation_input_tokens: null, cache_read_input_tokens: null },
      { input_tokens: 26, output_tokens: 12, cache_creation_input_tokens: null, cache_read_input_tokens: null },
      reported(26, 12),
    ),
  ]),
];

export const answers: readonly RecordedAnswer[] = [
  ...moonshot,
  ...qwen,
  ...zai,
  ...deepseek,
  ...bedrock,
  ...vertex,
  ...openrouter,
  ...litellm,
  ...relay,
  ...local,
];
