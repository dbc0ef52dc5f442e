/** OpenAI's chat completions. */
import { type Api, type Event, isObject, listOf, newId, Rejected, textOf, word } from "./api.ts";
import type { Json, Reply, Said, Tool, Usage } from "./turn.ts";

const isReasoningModel = (model: string): boolean => /^(gpt-[5-9]|o\d)/.test(model);

export const chat: Api = {
  path: /^\/v1\/chat\/completions$/,
  reasons: true,
  writes: false,
  modelOf: (body) => word(body["model"]),
  isStream: (body) => body["stream"] === true,
  read({ body, model }) {
    if (isReasoningModel(model) && typeof body["max_tokens"] === "number")
      throw new Rejected(
        400,
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      );
    if (!Array.isArray(body["messages"])) throw new Rejected(400, "Missing required parameter: 'messages'.");
    const limit = body["max_completion_tokens"] ?? body["max_tokens"];
    return {
      said: listOf(body["messages"]).flatMap(saidIn),
      tools: listOf(body["tools"]).map(toolOf),
      limit: typeof limit === "number" ? limit : undefined,
    };
  },
  whole: ({ model }, reply, usage) => ({
    id: newId("chatcmpl"),
    object: "chat.completion",
    created: 1_790_000_000,
    model,
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: textIn(reply), ...callsIn(reply) },
        finish_reason: finishOf(reply),
        logprobs: null,
      },
    ],
    usage: usageIn(usage),
  }),
  events({ body, model }, reply, usage) {
    const frame = { id: newId("chatcmpl"), object: "chat.completion.chunk", created: 1_790_000_000, model };
    const chunk = (delta: Json, finish_reason: string | null = null): Event => ({
      data: { ...frame, choices: [{ index: 0, delta, finish_reason }] },
    });
    const options = body["stream_options"];
    const wantsUsage = isObject(options) && options["include_usage"] === true;
    const calls = callsIn(reply).tool_calls ?? [];
    return {
      before: [chunk({ role: "assistant", content: "" })],
      pieces: reply.pieces.map((content) => [chunk({ content })]),
      after: [
        ...calls.flatMap(({ function: { arguments: text, name }, ...rest }, index) => [
          chunk({ tool_calls: [{ index, ...rest, function: { name, arguments: "" } }] }),
          chunk({ tool_calls: [{ index, function: { arguments: text } }] }),
        ]),
        chunk({}, finishOf(reply)),
        ...(wantsUsage ? [{ data: { ...frame, choices: [], usage: usageIn(usage) } }] : []),
        { data: "[DONE]" },
      ],
    };
  },
  error: (status, message) => ({
    error: {
      message,
      type: status === 401 ? "authentication_error" : "invalid_request_error",
      param: null,
      code: null,
    },
  }),
};

function saidIn(message: Json): Said[] {
  const text = textOf(message["content"]);
  if (message["role"] === "tool") return [{ by: "result", text }];
  if (message["role"] === "user") return [{ by: "user", text }];
  if (message["role"] !== "assistant") return [];
  const calls = listOf(message["tool_calls"]).map((call): Said => ({
    by: "call",
    name: word((call["function"] as Json)["name"]),
  }));
  return [...(text === "" ? [] : [{ by: "model" as const, text }]), ...calls];
}

function toolOf(tool: Json): Tool {
  const { name, description, parameters } = (tool["function"] ?? {}) as Json;
  return { name: word(name), description: word(description), schema: (parameters ?? {}) as Json };
}

const textIn = (reply: Reply): string | null => (reply.pieces.length === 0 ? null : reply.pieces.join(""));
const finishOf = (reply: Reply): string => (reply.isCut ? "length" : reply.calls.length > 0 ? "tool_calls" : "stop");

function callsIn(reply: Reply) {
  if (reply.calls.length === 0) return {};
  return {
    tool_calls: reply.calls.map(({ tool, input }) => ({
      id: newId("call"),
      type: "function",
      function: { name: tool.name, arguments: JSON.stringify(input) },
    })),
  };
}

function usageIn(usage: Usage): Json {
  const prompt_tokens = usage.input + usage.cacheRead;
  return {
    prompt_tokens,
    completion_tokens: usage.output,
    total_tokens: prompt_tokens + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cacheRead, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
