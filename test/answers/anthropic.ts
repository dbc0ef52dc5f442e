/** Anthropic's messages: the shapes that its API reference documents. */
import { type RecordedAnswer, recorded } from "./recorded.ts";
import { claude, message, wholeMessage } from "./wire.ts";

const model = "claude-opus-5-5";
const { start, textBlock, block, delta, text, blockStop, end, ping, stop, error } = claude;
const stream = { stream: true };
const noCache = {
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
};
const standard = { service_tier: "standard", inference_geo: "global" };

export const answers: readonly RecordedAnswer[] = recorded("anthropic-messages", "anthropic", [
  {
    name: "a whole answer",
    request: message(model),
    body: wholeMessage(model, "Olá, Lisboa!", { input_tokens: 17, ...noCache, output_tokens: 9, ...standard }),
    booked: { usage: { input: 17, output: 9 }, reported: true },
  },
  {
    name: "a whole answer with cache reads, and writes for five minutes and for an hour",
    request: message(model),
    body: wholeMessage(model, "Olá, Lisboa!", {
      input_tokens: 21,
      cache_creation_input_tokens: 1_800,
      cache_read_input_tokens: 12_000,
      cache_creation: { ephemeral_5m_input_tokens: 600, ephemeral_1h_input_tokens: 1_200 },
      output_tokens: 9,
      ...standard,
    }),
    booked: {
      usage: { input: 13_821, output: 9, cacheRead: 12_000, cacheWrite: 1_800, cacheWrite1h: 1_200 },
      reported: true,
    },
  },
  {
    name: "a stream whose end says the output only",
    request: message(model, stream),
    events: [
      start(model, { input_tokens: 17, ...noCache, output_tokens: 1, ...standard }),
      textBlock,
      ping,
      text("Olá"),
      text(", Lisboa!"),
      blockStop(),
      end({ output_tokens: 9 }),
      stop,
    ],
    booked: { usage: { input: 17, output: 9 }, reported: true },
    finalAt: 6,
  },
  {
    name: "a stream whose end repeats the totals without the split by lifetime",
    request: message(model, stream),
    events: [
      start(model, {
        input_tokens: 10,
        cache_creation_input_tokens: 10_000,
        cache_read_input_tokens: 0,
        cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 10_000 },
        output_tokens: 1,
      }),
      textBlock,
      text("Olá!"),
      blockStop(),
      end({ input_tokens: 10, cache_creation_input_tokens: 10_000, cache_read_input_tokens: 0, output_tokens: 50 }),
      stop,
    ],
    booked: { usage: { input: 10_010, output: 50, cacheWrite: 10_000, cacheWrite1h: 10_000 }, reported: true },
    finalAt: 4,
    source: "https://github.com/earendil-works/pi/issues/9210",
  },
  {
    name: "a stream of thinking, whose signature is no text",
    request: message(model, { ...stream, max_tokens: 4_096, thinking: { type: "enabled", budget_tokens: 2_000 } }),
    events: [
      start(model, { input_tokens: 46, ...noCache, output_tokens: 3, ...standard }),
      block({ type: "thinking", thinking: "", signature: "" }),
      delta({ type: "thinking_delta", thinking: "The people speak Portuguese." }),
      delta({ type: "signature_delta", signature: "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds" }),
      blockStop(),
      block({ type: "text", text: "" }, 1),
      text("Olá!", 1),
      blockStop(1),
      end({ input_tokens: 46, output_tokens: 212, output_tokens_details: { thinking_tokens: 190 } }),
      stop,
    ],
    booked: { usage: { input: 46, output: 212, reasoning: 190 }, reported: true },
    finalAt: 8,
  },
  {
    name: "a stream of thinking that is cut off",
    request: message(model, { ...stream, max_tokens: 4_096, thinking: { type: "enabled", budget_tokens: 2_000 } }),
    events: [
      start(model, { input_tokens: 46, ...noCache, output_tokens: 3, ...standard }),
      block({ type: "thinking", thinking: "", signature: "" }),
      delta({ type: "thinking_delta", thinking: "The people speak Portuguese, so I greet them in it." }),
      delta({ type: "signature_delta", signature: "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds" }),
    ],
    booked: {
      estimated: true,
      delivered: "The people speak Portuguese, so I greet them in it.",
      atLeast: { input: 46, output: 3 },
    },
  },
  {
    name: "a stream of a tool call",
    request: message(model, {
      ...stream,
      tools: [{ name: "get_weather", input_schema: { type: "object", properties: { city: { type: "string" } } } }],
    }),
    events: [
      start(model, { input_tokens: 472, ...noCache, output_tokens: 2, ...standard }),
      block({ type: "tool_use", id: "toolu_01", name: "get_weather", input: {} }),
      delta({ type: "input_json_delta", partial_json: "" }),
      delta({ type: "input_json_delta", partial_json: '{"city": "Lis' }),
      delta({ type: "input_json_delta", partial_json: 'bon"}' }),
      blockStop(),
      end({ output_tokens: 54 }, { stop_reason: "tool_use" }),
      stop,
    ],
    booked: { usage: { input: 472, output: 54 }, reported: true },
    finalAt: 6,
  },
  {
    name: "an overload as the first event of a 200",
    request: message(model, stream),
    events: [error("overloaded_error", "Overloaded")],
    booked: { free: true },
    source: "https://github.com/Wei-Shaw/sub2api/issues/5563",
  },
  {
    // Anthropic bills the input once it generates: it has not begun.
    name: "an overload right after message_start",
    request: message(model, stream),
    events: [
      start(model, { input_tokens: 20_012, ...noCache, output_tokens: 1, ...standard }),
      ping,
      error("overloaded_error", "Overloaded"),
    ],
    booked: { free: true },
  },
  {
    name: "an overload after a part of the text",
    request: message(model, stream),
    events: [
      start(model, { input_tokens: 17, ...noCache, output_tokens: 1, ...standard }),
      textBlock,
      text("Olá, povo de Lisboa! Que lindo"),
      error("overloaded_error", "Overloaded"),
    ],
    booked: { estimated: true, delivered: "Olá, povo de Lisboa! Que lindo", atLeast: { input: 17, output: 1 } },
  },
  {
    name: "an error as a whole answer of a 200",
    request: message(model),
    body: JSON.stringify({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } }),
    booked: { free: true },
  },
]);
