/** OpenAI's Responses, whole and streamed. */
import { type RecordedAnswer, recorded, type Written } from "./recorded.ts";
import { event, type Fields, response, responsesOf, responseUsage as usage, wholeResponse } from "./wire.ts";

const model = "gpt-5.5";
const stream = { stream: true };
const reported = (input: number, output: number, more: Fields = {}): Written["booked"] => ({
  usage: { input, output, ...more },
  reported: true,
});
const whole = (name: string, report: unknown, booked: Written["booked"], more: Fields = {}): Written => ({
  name,
  request: response(model),
  body: wholeResponse(model, "Olá, Lisboa!", report, more),
  booked,
});
/** A stream of `text` that ends with `response.<status>`. */
const streamed = (name: string, status: string, end: Fields, booked: Written["booked"], base: Fields = {}): Written => {
  const made = responsesOf(model, base);
  const events = [
    made.created(),
    made.inProgress(),
    made.added({ id: "msg_68f1", type: "message", status: "in_progress", role: "assistant", content: [] }),
    made.text("Olá, "),
    made.text("Lisboa!"),
    ...made.done("Olá, Lisboa!"),
    made.end(status, end),
  ];
  const finalAt = "usage" in booked ? { finalAt: events.length - 1 } : {};
  return { name, request: response(model, stream), events, booked, ...finalAt };
};
/** A stream of which `write` says the events. */
const events = (
  name: string,
  write: (made: ReturnType<typeof responsesOf>) => string[],
  booked: Written["booked"],
): Written => {
  const written = write(responsesOf(model));
  const finalAt = "usage" in booked ? { finalAt: written.length - 1 } : {};
  return { name, request: response(model, stream), events: written, booked, ...finalAt };
};
const failed = { error: { code: "server_error", message: "An error occurred while processing your request." } };

const wholes: readonly Written[] = [
  whole("a whole answer", usage(15, 6), reported(15, 6)),
  whole(
    "a whole answer with cache reads, cache writes and reasoning",
    usage(3_000, 700, {
      input_tokens_details: { cached_tokens: 1_024, cache_write_tokens: 1_500 },
      output_tokens_details: { reasoning_tokens: 640 },
    }),
    reported(3_000, 700, { cacheRead: 1_024, cacheWrite: 1_500, reasoning: 640 }),
  ),
  whole("no total", { input_tokens: 100, output_tokens: 50 }, reported(100, 50)),
  whole("a total that exceeds the parts", usage(100, 50, { total_tokens: 400 }), reported(100, 300)),
  whole("only a total", { total_tokens: 331 }, reported(0, 331)),
  whole("counts as strings", { input_tokens: "100", output_tokens: "50", total_tokens: "150" }, reported(100, 50)),
  whole("details of null", usage(15, 6, { input_tokens_details: null, output_tokens_details: null }), reported(15, 6)),
  whole("no usage", null, { estimated: true, delivered: "Olá, Lisboa!" }),
  whole("a usage of zero, reported explicitly", usage(0, 0), reported(0, 0)),
  whole(
    "prompt_tokens beside input_tokens",
    usage(100, 50, { prompt_tokens: 100, completion_tokens: 50 }),
    reported(100, 50),
  ),
  whole(
    "a whole answer that was served as priority",
    usage(100, 50),
    { usage: { input: 100, output: 50 }, reported: true, tier: "priority" },
    { service_tier: "priority" },
  ),
  whole(
    "a whole answer that was served as flex",
    usage(100, 50),
    { usage: { input: 100, output: 50 }, reported: true, tier: "flex" },
    { service_tier: "flex" },
  ),
  whole(
    "a whole answer of a snapshot",
    usage(15, 6),
    { usage: { input: 15, output: 6 }, reported: true, model: "gpt-5.5-2026-04-23" },
    { model: "gpt-5.5-2026-04-23" },
  ),
  whole("a whole answer that reached its limit", usage(15, 64), reported(15, 64), {
    status: "incomplete",
    incomplete_details: { reason: "max_output_tokens" },
  }),
  whole("a whole failure", null, { free: true }, { status: "failed", output: [], ...failed }),
  whole("a whole answer that was cancelled", null, { free: true }, { status: "cancelled", output: [] }),
  whole("a whole failure with a report and a part of the text", usage(15, 3), reported(15, 3), {
    status: "failed",
    ...failed,
  }),
  whole(
    "a whole failure after a part of the text, without a report",
    null,
    { estimated: true, delivered: "Olá, Lisboa!" },
    { status: "failed", ...failed },
  ),
  whole(
    "a whole answer that reached its limit, without a report",
    null,
    { estimated: true, delivered: "Olá, Lisboa!" },
    { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } },
  ),
  {
    name: "an error as a whole answer",
    request: response(model),
    body: JSON.stringify({ error: { message: "The server had an error.", type: "server_error", code: null } }),
    booked: { free: true },
  },
  {
    name: "a whole answer of reasoning and a tool call, and no usage",
    request: response(model, { tools: [{ type: "function", name: "get_weather", parameters: { type: "object" } }] }),
    body: wholeResponse(model, "", null, {
      output: [
        { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "A city." }] },
        { type: "function_call", id: "fc_1", call_id: "call_1", name: "get_weather", arguments: '{"city":"Lisbon"}' },
      ],
    }),
    booked: { estimated: true, delivered: 'A city.get_weather{"city":"Lisbon"}' },
  },
];

const streams: readonly Written[] = [
  streamed("a stream", "completed", { usage: usage(15, 6) }, reported(15, 6)),
  streamed(
    "a stream with cache reads, cache writes and reasoning",
    "completed",
    {
      usage: usage(3_000, 700, {
        input_tokens_details: { cached_tokens: 1_024, cache_write_tokens: 1_500 },
        output_tokens_details: { reasoning_tokens: 640 },
      }),
    },
    reported(3_000, 700, { cacheRead: 1_024, cacheWrite: 1_500, reasoning: 640 }),
  ),
  streamed(
    "a stream whose usage has no total",
    "completed",
    { usage: { input_tokens: 100, output_tokens: 50 } },
    reported(100, 50),
  ),
  streamed(
    "a stream whose usage has no details",
    "completed",
    { usage: { input_tokens: 100, output_tokens: 50, total_tokens: 150 } },
    reported(100, 50),
  ),
  streamed(
    "a stream that reached its limit",
    "incomplete",
    { usage: usage(15, 64), incomplete_details: { reason: "max_output_tokens" } },
    reported(15, 64),
  ),
  streamed(
    "a stream that completes without usage",
    "completed",
    { usage: null },
    { estimated: true, delivered: "Olá, Lisboa!" },
  ),
  streamed(
    "a stream that fails after its text, with a report",
    "failed",
    { usage: usage(15, 6), ...failed },
    reported(15, 6),
  ),
  streamed(
    "a stream that fails after its text, without a report",
    "failed",
    { usage: null, ...failed },
    { estimated: true, delivered: "Olá, Lisboa!" },
  ),
  streamed(
    "a stream that was served as priority, which only its end says",
    "completed",
    { usage: usage(100, 50), service_tier: "priority" },
    { usage: { input: 100, output: 50 }, reported: true, tier: "priority" },
    { service_tier: "auto" },
  ),
  streamed(
    "a stream that asked for flex by the project's default, and was served as default",
    "completed",
    { usage: usage(100, 50), service_tier: "default" },
    reported(100, 50),
    { service_tier: "flex" },
  ),
  streamed(
    "a stream of a snapshot",
    "completed",
    { usage: usage(15, 6) },
    { usage: { input: 15, output: 6 }, reported: true, model: "gpt-5.5-2026-04-23" },
    { model: "gpt-5.5-2026-04-23" },
  ),
  events(
    "a stream of reasoning, a tool call and a custom tool's input",
    (made) => [
      made.created(),
      made.added({ type: "reasoning", id: "rs_1", summary: [] }),
      made.next("response.reasoning_summary_text.delta", {
        item_id: "rs_1",
        output_index: 0,
        summary_index: 0,
        delta: "A city.",
      }),
      made.added({ type: "function_call", id: "fc_1", call_id: "call_1", name: "get_weather", arguments: "" }, 1),
      made.next("response.function_call_arguments.delta", {
        item_id: "fc_1",
        output_index: 1,
        delta: '{"city":"Lisbon"}',
      }),
      made.next("response.function_call_arguments.done", {
        item_id: "fc_1",
        output_index: 1,
        arguments: '{"city":"Lisbon"}',
      }),
      made.added({ type: "custom_tool_call", id: "ct_1", call_id: "call_2", name: "apply_patch", input: "" }, 2),
      made.next("response.custom_tool_call_input.delta", {
        item_id: "ct_1",
        output_index: 2,
        delta: "*** Begin Patch",
      }),
      made.end("completed", { usage: usage(210, 73, { output_tokens_details: { reasoning_tokens: 40 } }) }),
    ],
    reported(210, 73, { reasoning: 40 }),
  ),
  events(
    "a stream that ends after a reasoning summary, a refusal and a part of a tool call",
    (made) => [
      made.created(),
      made.next("response.reasoning_summary_text.delta", {
        item_id: "rs_1",
        output_index: 0,
        summary_index: 0,
        delta: "A city.",
      }),
      made.next("response.reasoning_summary_text.done", {
        item_id: "rs_1",
        output_index: 0,
        summary_index: 0,
        text: "A city.",
      }),
      made.next("response.refusal.delta", { item_id: "msg_1", output_index: 1, content_index: 0, delta: "I can't." }),
      made.next("response.function_call_arguments.delta", { item_id: "fc_1", output_index: 2, delta: '{"ci' }),
    ],
    { estimated: true, delivered: "A city.I can't.{\"ci" },
  ),
  events(
    "a stream that ends in the middle of its text, obfuscated",
    (made) => [
      made.created(),
      ...["Olá, ", "povo"].map((delta) =>
        made.next("response.output_text.delta", {
          item_id: "msg_1",
          output_index: 0,
          content_index: 0,
          delta,
          obfuscation: "Xq81LmT",
        }),
      ),
    ],
    { estimated: true, delivered: "Olá, povo" },
  ),
  events(
    "a stream that ends after its text was done, which repeats it",
    (made) => [made.created(), made.text("Olá, "), made.text("povo!"), ...made.done("Olá, povo!")],
    { estimated: true, delivered: "Olá, povo!" },
  ),
  events("an error as the first event", (made) => [made.error("server_error", "Overloaded.")], { free: true }),
  events(
    "an error, and then the failure",
    (made) => [
      made.created(),
      made.error("rate_limit_exceeded", "Requests have exceeded the token rate limit."),
      made.end("failed", { error: { code: "rate_limit_exceeded", message: "Requests have exceeded." } }),
    ],
    { free: true },
  ),
  events(
    "a failure before anything was delivered",
    (made) => [made.created(), made.inProgress(), made.end("failed", failed)],
    {
      free: true,
    },
  ),
  events(
    "an error after a part of the text",
    (made) => [made.created(), made.text("Olá, povo"), made.error("server_error", "Overloaded.")],
    { estimated: true, delivered: "Olá, povo" },
  ),
  events(
    "an error in the form of chat completions",
    () => [event("error", { error: { type: "server_error", code: "500", message: "Overloaded.", param: null } })],
    { free: true },
  ),
  {
    // Reasoning may have been done before: what the report says is not zero, and nothing was delivered.
    ...events(
      "a failure with a report, before anything was delivered",
      (made) => [made.created(), made.end("failed", { usage: usage(15, 0), ...failed })],
      reported(15, 0),
    ),
    disputed: true,
  },
  events("a stream that ends after response.created", (made) => [made.created(), made.inProgress()], {
    estimated: true,
    delivered: "",
  }),
  events("a stream that closes without a byte", () => [], { free: true }),
];

export const answers: readonly RecordedAnswer[] = recorded("openai-responses", "openai", [...wholes, ...streams]);
