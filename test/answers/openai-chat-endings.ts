/** Chat completions that end otherwise than with a finish and a report: errors inside a 200, cuts, and silence. */
import { type RecordedAnswer, recorded, type Written } from "./recorded.ts";
import { chat, chatStream, chunksOf, completion, data, done, event } from "./wire.ts";

const model = "gpt-5.5";
const { chunk, delta, role, text, finish, usage } = chunksOf(model);
const error = { message: "The server is overloaded. Please try again.", type: "server_error", param: null, code: null };
const counts = { prompt_tokens: 15, completion_tokens: 6, total_tokens: 21 };
const free = { free: true } as const;
const estimated = (delivered: string): Written["booked"] => ({ estimated: true, delivered });

const stream = (name: string, events: readonly string[], booked: Written["booked"]): Written => ({
  name,
  request: chatStream(model),
  events,
  booked,
});
const whole = (name: string, body: string, booked: Written["booked"], more: Partial<Written> = {}): Written => ({
  name,
  request: chat(model),
  body,
  booked,
  ...more,
});

const errors: readonly Written[] = [
  stream("an error as the first event", [data({ error })], free),
  stream("an error as the first event, and [DONE]", [data({ error }), done], free),
  stream("an error as the first event, named so by its event line", [event("error", { error })], free),
  stream("an error as a string", [data({ error: "upstream timed out" })], free),
  stream("an error after the chunk with the role", [role(), data({ error })], free),
  stream("an error after comments", [": keep-alive", ": keep-alive", data({ error })], free),
  stream(
    "an error in vLLM's own shape",
    [data({ object: "error", message: "EngineCore encountered an issue.", type: "InternalServerError", code: 500 })],
    free,
  ),
  stream(
    "an error in a chunk with an empty choice",
    [
      chunk([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: "error" }], {
        error: { code: 502, message: "Provider returned error" },
      }),
      done,
    ],
    free,
  ),
  stream(
    "an error after a part of the text",
    [role(), text("Olá, povo"), text(" de"), data({ error })],
    estimated("Olá, povo de"),
  ),
  stream(
    "an error after a part of the text, in the chunk that finishes",
    [
      role(),
      text("Olá, povo de Lisboa"),
      chunk([{ index: 0, delta: { content: "" }, finish_reason: "error" }], {
        error: { code: "server_error", message: "Provider disconnected" },
      }),
      done,
    ],
    estimated("Olá, povo de Lisboa"),
  ),
  stream(
    "an error after reasoning, which is output too",
    [role(), delta({ reasoning_content: "They speak Portuguese." }), data({ error })],
    estimated("They speak Portuguese."),
  ),
  {
    name: "an error after the report of usage",
    request: chatStream(model),
    events: [role(), text("Olá, Lisboa!"), finish(), usage(counts), data({ error })],
    booked: { usage: { input: 15, output: 6 }, reported: true },
    finalAt: 3,
  },
  whole("an error as a whole answer", JSON.stringify({ error }), free),
  whole(
    "an error as a whole answer, with a code as number and metadata",
    JSON.stringify({
      error: { code: 429, message: "Rate limited upstream", metadata: { provider_name: "DeepInfra", raw: "busy" } },
      user_id: "user_1",
    }),
    free,
  ),
  whole("an error as a whole answer, as a string", JSON.stringify({ error: "upstream timed out" }), free),
  whole(
    "an error as a whole answer, with empty choices and a usage of zeros",
    JSON.stringify({
      error,
      choices: [],
      usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
    }),
    free,
  ),
  whole("an error as a whole answer to a request of a stream", JSON.stringify({ error }), free, {
    request: chatStream(model),
    contentType: "application/json",
  }),
  whole("an error as a whole answer that calls itself an event stream", JSON.stringify({ error }), free, {
    request: chatStream(model),
    contentType: "text/event-stream",
  }),
  whole("an error of null beside an answer", completion(model, "Olá!", { error: null, usage: counts }), {
    usage: { input: 15, output: 6 },
    reported: true,
  }),
];

const ends: readonly Written[] = [
  stream("a stream that closes without a byte", [], free),
  stream("a stream of comments only", [": OPENROUTER PROCESSING", ": OPENROUTER PROCESSING"], free),
  whole("an empty body", "", free),
  whole("an empty body to a request of a stream", "", free, {
    request: chatStream(model),
    contentType: "application/json",
  }),
  // Something was answered, if nothing was delivered: whether the prompt was read can't be known.
  { ...stream("a stream of [DONE] only", [done], free), disputed: true },
  // As above: the model may have found nothing to say, or the relay never ran it.
  {
    ...whole(
      "a whole answer without choices and usage",
      JSON.stringify({ id: "x", object: "chat.completion", choices: [] }),
      free,
    ),
    disputed: true,
  },
  stream("a stream that ends after the chunk with the role", [role()], estimated("")),
  stream("a stream that finishes without text and usage", [role(), finish(), done], estimated("")),
  stream("a stream that ends in the middle of its text", [role(), text("Olá, "), text("povo")], estimated("Olá, povo")),
  stream("a stream that finishes without usage, and ends", [role(), text("Olá!"), finish()], estimated("Olá!")),
  stream("a stream that finishes without usage, and [DONE]", [role(), text("Olá!"), finish(), done], estimated("Olá!")),
  stream(
    "a stream whose usage is null to the end",
    [role({ usage: null }), text("Olá!", { usage: null }), finish("stop", { usage: null }), done],
    estimated("Olá!"),
  ),
  {
    name: "a stream that was asked for no usage, and gives none",
    request: { ...chatStream(model), stream_options: { include_usage: false } },
    events: [role(), text("Olá!"), finish(), done],
    booked: estimated("Olá!"),
  },
  stream(
    "text in many scripts, of which a chunk may be one character",
    [
      role(),
      ...["Olá", " 👋🏽", " 你", "好", "，", "世界", " Привет", " مرحبا", " नमस्ते"].map((one) => text(one)),
      finish(),
      done,
    ],
    estimated("Olá 👋🏽 你好，世界 Привет مرحبا नमस्ते"),
  ),
  {
    name: "a chunk of 200 kB",
    request: chatStream(model),
    events: [
      role(),
      text("lisboa ".repeat(30_000)),
      finish(),
      usage({ prompt_tokens: 15, completion_tokens: 60_001 }),
      done,
    ],
    booked: { usage: { input: 15, output: 60_001 }, reported: true },
    finalAt: 3,
  },
  stream(
    "a chunk of 200 kB, and no usage",
    [role(), text("lisboa ".repeat(30_000)), finish(), done],
    estimated("lisboa ".repeat(30_000)),
  ),
  stream(
    "a legacy function call that is cut off",
    [
      delta({ role: "assistant", content: null, function_call: { name: "get_weather", arguments: "" } }),
      delta({ function_call: { arguments: '{"city":"Lis' } }),
    ],
    estimated('get_weather{"city":"Lis'),
  ),
  stream(
    "reasoning, text and two tool calls, and no usage",
    [
      role(),
      delta({ reasoning_content: "Two cities." }),
      text("I look it up."),
      delta({
        tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "weather", arguments: '{"c":1}' } }],
      }),
      delta({
        tool_calls: [{ index: 1, id: "call_2", type: "function", function: { name: "weather", arguments: '{"c":2}' } }],
      }),
      finish("tool_calls"),
      done,
    ],
    estimated('Two cities.I look it up.weather{"c":1}weather{"c":2}'),
  ),
  whole(
    "a whole answer with reasoning, and no usage",
    completion(model, "Olá!", {}, { reasoning_content: "They speak Portuguese." }),
    estimated("Olá!They speak Portuguese."),
  ),
  {
    name: "a stream with a whole answer in its one event, as of a relay that cannot stream",
    request: chatStream(model),
    events: [`data: ${completion(model, "Olá!", { usage: counts })}`, done],
    booked: { usage: { input: 15, output: 6 }, reported: true },
    finalAt: 0,
  },
  {
    name: "a whole answer to a request of a stream",
    request: chatStream(model),
    contentType: "application/json",
    body: completion(model, "Olá!", { usage: counts }),
    booked: { usage: { input: 15, output: 6 }, reported: true },
  },
  {
    name: "a stream in answer to a request of a whole answer",
    request: chat(model),
    contentType: "text/event-stream",
    events: [role(), text("Olá!"), finish(), usage(counts), done],
    booked: { usage: { input: 15, output: 6 }, reported: true },
    finalAt: 3,
  },
  {
    name: "a whole answer as text/plain",
    request: chat(model),
    contentType: "text/plain",
    body: completion(model, "Olá!", { usage: counts }),
    booked: { usage: { input: 15, output: 6 }, reported: true },
  },
  {
    name: "a whole answer after blank lines that kept the connection open",
    request: chat(model),
    body: `\n\n   \n${completion(model, "Olá!", { usage: counts })}\n`,
    booked: { usage: { input: 15, output: 6 }, reported: true },
  },
];

/** With more than one choice, the end of one is not the end of all. */
const choices: readonly Written[] = [
  {
    name: "two choices, of which the second breaks off after the first has finished with a report",
    request: chatStream(model, { n: 2 }),
    events: [
      text("Olá!", {}, 0),
      finish("stop", { usage: { prompt_tokens: 9, completion_tokens: 6, total_tokens: 15 } }, 0),
      text("Era uma vez, em Lisboa, ".repeat(100), {}, 1),
    ],
    booked: {
      estimated: true,
      delivered: `Olá!${"Era uma vez, em Lisboa, ".repeat(100)}`,
      atLeast: { input: 9, output: 6 },
    },
    source: "https://github.com/vllm-project/vllm/pull/5742",
  },
  {
    name: "two choices, both finished with a report in each chunk, and no [DONE]",
    request: chatStream(model, { n: 2 }),
    events: [
      text("Olá!", { usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 } }, 0),
      finish("stop", { usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 } }, 0),
      text("Bom dia!", { usage: { prompt_tokens: 9, completion_tokens: 6, total_tokens: 15 } }, 1),
      finish("stop", { usage: { prompt_tokens: 9, completion_tokens: 7, total_tokens: 16 } }, 1),
    ],
    booked: { usage: { input: 9, output: 7 }, reported: true },
    finalAt: 3,
  },
  stream(
    "two choices that finish without usage",
    [text("Olá!", {}, 0), text("Bom", {}, 1), text(" dia!", {}, 1), finish("stop", {}, 1), finish("stop", {}, 0), done],
    estimated("Olá!Bom dia!"),
  ),
];

export const answers: readonly RecordedAnswer[] = recorded("openai-chat", "relay", [...errors, ...ends, ...choices]);
