/** Others that speak OpenAI's Responses: clouds, routers, makers of models and local servers. */
import { type RecordedAnswer, recorded, type Written } from "./recorded.ts";
import {
  done,
  event,
  type Fields,
  response,
  responsesOf,
  typed,
  responseUsage as usage,
  wholeResponse,
} from "./wire.ts";

const stream = { stream: true };
const reported = (input: number, output: number, more: Fields = {}): Written["booked"] => ({
  usage: { input, output, ...more },
  reported: true,
});

export const answers: readonly RecordedAnswer[] = [
  ...recorded("openai-responses", "codex", [
    {
      name: "a stream with limits and keep-alives among its events",
      request: response("gpt-5.5", stream),
      events: ((made) => [
        typed("codex.rate_limits", { plan_type: "plus", rate_limits: { primary: { used_percent: 12 } } }),
        made.created(),
        event("keepalive", { type: "keepalive", sequence_number: 3 }),
        made.text("Olá!"),
        made.end("completed", { usage: usage(600, 50, { input_tokens_details: { cached_tokens: 400 } }) }),
      ])(responsesOf("gpt-5.5")),
      booked: reported(600, 50, { cacheRead: 400 }),
      finalAt: 4,
    },
  ]),
  ...recorded("openai-responses", "azure", [
    {
      name: "a rate limit as a failure with HTTP 200",
      request: response("gpt-5", stream),
      events: ((made) => [
        made.created(),
        made.end("failed", {
          error: { code: "rate_limit_exceeded", message: "Requests to the Operation have exceeded token rate limit." },
        }),
      ])(responsesOf("gpt-5")),
      booked: { free: true },
      source: "https://github.com/earendil-works/pi/pull/1458",
    },
  ]),
  ...recorded("openai-responses", "xai", [
    {
      name: "a whole answer with costs and counts of tools among its usage",
      request: response("grok-4"),
      body: wholeResponse("grok-4", "Olá!", {
        input_tokens: 687,
        input_tokens_details: { cached_tokens: 680 },
        output_tokens: 324,
        output_tokens_details: { reasoning_tokens: 315 },
        total_tokens: 1_011,
        num_sources_used: 0,
        num_server_side_tools_used: 0,
        cost_in_usd_ticks: 5_031_000,
      }),
      booked: reported(687, 324, { cacheRead: 680, reasoning: 315 }),
    },
  ]),
  ...recorded("openai-responses", "openrouter", [
    {
      name: "a stream with costs, comments and [DONE]",
      request: response("openai/gpt-5", stream),
      events: ((made) => [
        ": OPENROUTER PROCESSING",
        made.created(),
        made.text("Olá!"),
        made.end("completed", { usage: usage(15, 6, { cost: 0.0001, is_byok: false, cost_details: {} }) }),
        done,
      ])(responsesOf("openai/gpt-5")),
      booked: reported(15, 6),
      finalAt: 3,
    },
  ]),
  ...recorded("openai-responses", "vllm", [
    {
      name: "a stream of open weights, with counts of tokens for each turn",
      request: response("openai/gpt-oss-120b", stream),
      events: ((made) => [
        made.created(),
        made.next("response.reasoning_text.delta", {
          item_id: "rs_1",
          output_index: 0,
          content_index: 0,
          delta: "Portuguese.",
        }),
        made.text("Olá!"),
        made.end("completed", {
          usage: {
            input_tokens: 80,
            input_tokens_details: { cached_tokens: 64, input_tokens_per_turn: [80], cached_tokens_per_turn: [64] },
            output_tokens: 21,
            output_tokens_details: { reasoning_tokens: 9, tool_output_tokens: 0, output_tokens_per_turn: [21] },
            total_tokens: 101,
          },
        }),
      ])(responsesOf("openai/gpt-oss-120b")),
      booked: reported(80, 21, { cacheRead: 64, reasoning: 9 }),
      finalAt: 3,
    },
  ]),
  ...recorded("openai-responses", "relay", [
    {
      name: "events without an event line, and [DONE]",
      request: response("gpt-5.5", stream),
      events: ((made) =>
        [made.created(), made.text("Olá!"), made.end("completed", { usage: usage(15, 6) }), done].map((one) =>
          one.replace(/^event: .*\n/, ""),
        ))(responsesOf("gpt-5.5")),
      booked: reported(15, 6),
      finalAt: 2,
    },
    {
      name: "a stream as text/plain with CRLF",
      request: response("gpt-5.5", stream),
      contentType: "text/plain",
      lineEnd: "\r\n",
      events: ((made) => [made.created(), made.text("Olá!"), made.end("completed", { usage: usage(15, 6) })])(
        responsesOf("gpt-5.5"),
      ),
      booked: reported(15, 6),
      finalAt: 2,
    },
    {
      name: "an empty output of the last event, after text",
      request: response("gpt-5.5", stream),
      events: ((made) => [
        made.created(),
        made.text("Olá!"),
        made.end("completed", { output: [], usage: usage(15, 6) }),
      ])(responsesOf("gpt-5.5")),
      booked: reported(15, 6),
      finalAt: 2,
    },
    {
      // Nothing came in pieces: what was delivered stands in the last event alone.
      name: "a stream whose text comes with its item only, and without usage",
      request: response("gpt-5.5", stream),
      events: ((made) => [made.created(), ...made.done("Olá, povo!").slice(2), made.end("completed", {})])(
        responsesOf("gpt-5.5"),
      ),
      booked: { estimated: true, delivered: "Olá, povo!" },
      disputed: true,
    },
    {
      name: "a whole answer to a request of a stream",
      request: response("gpt-5.5", stream),
      contentType: "application/json",
      body: wholeResponse("gpt-5.5", "Olá!", usage(15, 6)),
      booked: reported(15, 6),
    },
    {
      name: "a failure as a whole answer to a request of a stream",
      request: response("gpt-5.5", stream),
      contentType: "application/json",
      body: JSON.stringify({ error: { message: "no available channel", type: "new_api_error", code: "busy" } }),
      booked: { free: true },
    },
  ]),
];
