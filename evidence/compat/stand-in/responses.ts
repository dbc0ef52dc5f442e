/**
 * OpenAI's Responses API, with reasoning items and an id for each item. It keeps the items of an answer, as the provider
 * does unless `store` is false, so that an `item_reference` or a `previous_response_id` stands for what was said.
 */
import { type Api, type Event, listOf, newId, Rejected, textOf, word } from "./api.ts";
import type { Json, Reply, Said, Tool, Usage } from "./turn.ts";

const stored = new Map<string, Json>();
const conversations = new Map<string, readonly Json[]>();

export const responses: Api = {
  path: /^\/v1\/responses$/,
  reasons: true,
  writes: false,
  modelOf: (body) => word(body["model"]),
  isStream: (body) => body["stream"] === true,
  read({ body }) {
    const items = historyOf(body);
    mustHaveOutputs(items);
    const added = items.flatMap((item) => (item["type"] === "additional_tools" ? listOf(item["tools"]) : []));
    const found = items.flatMap((item) => (item["type"] === "tool_search_output" ? listOf(item["tools"]) : []));
    const limit = body["max_output_tokens"];
    return {
      said: items.flatMap(saidIn),
      tools: [...listOf(body["tools"]), ...added, ...found].flatMap((tool) => toolsIn(tool)),
      limit: typeof limit === "number" ? limit : undefined,
    };
  },
  whole(asked, reply, usage) {
    return responseOf(asked.body, asked.model, itemsOf(asked.body, reply), usage, reply);
  },
  events({ body, model }, reply, usage) {
    const items = itemsOf(body, reply);
    const whole = responseOf(body, model, items, usage, reply);
    const begun = { ...whole, status: "in_progress", output: [], usage: null };
    let sequence_number = 0;
    const event = (type: string, data: Json): Event => ({
      name: type,
      data: { type, sequence_number: sequence_number++, ...data },
    });
    const before = [event("response.created", { response: begun }), event("response.in_progress", { response: begun })];
    const pieces: Event[][] = [];
    const after: Event[] = [];
    for (const [output_index, item] of items.entries()) {
      const at = { output_index, item_id: item["id"] };
      const added = event("response.output_item.added", { output_index, item: { ...item, ...emptied(item) } });
      const done = event("response.output_item.done", { output_index, item });
      if (item["type"] !== "message") {
        const target = pieces.length === 0 && /^(reasoning|web_search_call)$/.test(word(item["type"])) ? before : after;
        target.push(added);
        if (item["type"] === "web_search_call")
          for (const step of ["in_progress", "searching", "completed"])
            target.push(event(`response.web_search_call.${step}`, at));
        if (item["type"] === "custom_tool_call") {
          target.push(event("response.custom_tool_call_input.delta", { ...at, delta: item["input"] }));
          target.push(event("response.custom_tool_call_input.done", { ...at, input: item["input"] }));
        }
        if (item["type"] === "function_call") {
          target.push(event("response.function_call_arguments.delta", { ...at, delta: item["arguments"] }));
          target.push(
            event("response.function_call_arguments.done", { ...at, arguments: item["arguments"], name: item["name"] }),
          );
        }
        target.push(done);
        continue;
      }
      const text = reply.pieces.join("");
      const part = { type: "output_text", text: "", annotations: [], logprobs: [] };
      before.push(added, event("response.content_part.added", { ...at, content_index: 0, part }));
      pieces.push(
        ...reply.pieces.map((delta) => [
          event("response.output_text.delta", { ...at, content_index: 0, delta, logprobs: [] }),
        ]),
      );
      after.push(
        event("response.output_text.done", { ...at, content_index: 0, text, logprobs: [] }),
        event("response.content_part.done", { ...at, content_index: 0, part: { ...part, text } }),
        done,
      );
    }
    after.push(event(reply.isCut ? "response.incomplete" : "response.completed", { response: whole }));
    return { before, pieces, after };
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

/** All items that the model sees: what the provider keeps, and what the body brings. */
function historyOf(body: Json): Json[] {
  const previous = body["previous_response_id"];
  const kept = typeof previous === "string" ? conversations.get(previous) : [];
  if (kept === undefined) throw new Rejected(400, `Previous response with id '${word(previous)}' not found.`);
  const input =
    typeof body["input"] === "string"
      ? [{ type: "message", role: "user", content: body["input"] }]
      : listOf(body["input"]);
  return [...kept, ...input.map(resolved)];
}

function resolved(item: Json): Json {
  const isReference = item["type"] === "item_reference" || (item["type"] === undefined && item["role"] === undefined);
  if (!isReference) return item;
  const found = stored.get(word(item["id"]));
  if (found === undefined) throw new Rejected(404, `Item with id '${word(item["id"])}' not found.`);
  return found;
}

/** As the provider has it: a call without its output is rejected. */
function mustHaveOutputs(items: readonly Json[]): void {
  const run = items.filter((item) => item["type"] !== "web_search_call");
  const outputs = new Set(run.filter((item) => word(item["type"]).endsWith("_output")).map((item) => item["call_id"]));
  const calls = new Set(run.filter((item) => word(item["type"]).endsWith("_call")).map((item) => item["call_id"]));
  for (const id of calls)
    if (!outputs.has(id)) throw new Rejected(400, `No tool output found for function call ${String(id)}.`);
  for (const id of outputs)
    if (!calls.has(id))
      throw new Rejected(400, `No tool call found for function call output with call_id ${String(id)}.`);
}

function saidIn(item: Json): Said[] {
  const type = word(item["type"]) || "message";
  // Codex's agents write to each other; the provider has encrypted what they write.
  if (type === "agent_message") return [{ by: "user", text: textOf(item["content"]) }];
  if (type === "message") {
    const text = textOf(item["content"]);
    if (item["role"] === "user") return [{ by: "user", text }];
    return item["role"] === "assistant" ? [{ by: "model", text }] : [];
  }
  if (type === "tool_search_output") return [];
  if (type.endsWith("_output"))
    return [
      {
        by: "result",
        text: typeof item["output"] === "string" ? item["output"] : JSON.stringify(item["output"] ?? ""),
      },
    ];
  return type.endsWith("_call") ? [{ by: "call", name: word(item["name"]) }] : [];
}

function toolsIn(tool: Json, namespace?: string): Tool[] {
  if (tool["type"] === "namespace") return listOf(tool["tools"]).flatMap((one) => toolsIn(one, word(tool["name"])));
  if (word(tool["type"]).startsWith("web_search")) return [{ name: "web_search", schema: {}, isHosted: true }];
  if (tool["type"] === "tool_search" && tool["execution"] === "client")
    return [{ name: "tool_search", schema: {}, isSearch: true }];
  if (tool["type"] !== "function" && tool["type"] !== "custom") return [];
  const named = {
    name: word(tool["name"]),
    description: word(tool["description"]),
    schema: (tool["parameters"] ?? {}) as Json,
  };
  return [{ ...named, isFreeform: tool["type"] === "custom", ...(namespace === undefined ? {} : { namespace }) }];
}

function itemsOf(body: Json, reply: Reply): Json[] {
  const include = Array.isArray(body["include"]) ? body["include"] : [];
  const encrypted = include.includes("reasoning.encrypted_content") || body["store"] === false;
  const items: Json[] = [
    {
      id: newId("rs"),
      type: "reasoning",
      summary: [],
      ...(encrypted ? { encrypted_content: "c3RhbmQtaW4gcmVhc29uaW5n" } : {}),
    },
  ];
  for (let count = 0; count < (reply.searches ?? 0); count++)
    items.push({
      id: newId("ws"),
      type: "web_search_call",
      status: "completed",
      action: { type: "search", query: "compat" },
    });
  if (reply.pieces.length > 0) {
    const content = [{ type: "output_text", text: reply.pieces.join(""), annotations: [], logprobs: [] }];
    items.push({ id: newId("msg"), type: "message", status: "completed", role: "assistant", content });
  }
  for (const { tool, input } of reply.calls) items.push(callOf(tool, input));
  return items;
}

function callOf(tool: Tool, input: Json): Json {
  const call_id = newId("call");
  const common = {
    status: "completed",
    call_id,
    ...(tool.namespace === undefined ? {} : { namespace: tool.namespace }),
  };
  if (tool.isSearch)
    return { id: newId("tsc"), type: "tool_search_call", ...common, execution: "client", arguments: input };
  if (tool.isFreeform)
    return {
      id: newId("ctc"),
      type: "custom_tool_call",
      ...common,
      name: tool.name,
      input: word(Object.values(input)[0]),
    };
  return { id: newId("fc"), type: "function_call", ...common, name: tool.name, arguments: JSON.stringify(input) };
}

/** An item as a stream first shows it. */
function emptied(item: Json): Json {
  const open = { status: "in_progress" };
  if (item["type"] === "message") return { ...open, content: [] };
  if (item["type"] === "function_call") return { ...open, arguments: "" };
  return item["type"] === "custom_tool_call" ? { ...open, input: "" } : {};
}

function responseOf(body: Json, model: string, output: readonly Json[], usage: Usage, reply: Reply): Json {
  const id = newId("resp");
  if (body["store"] !== false) {
    for (const item of output) stored.set(word(item["id"]), item);
    conversations.set(id, [...historyOf(body), ...output]);
  }
  const input_tokens = usage.input + usage.cacheRead;
  return {
    id,
    object: "response",
    created_at: 1_790_000_000,
    status: reply.isCut ? "incomplete" : "completed",
    background: false,
    error: null,
    incomplete_details: reply.isCut ? { reason: "max_output_tokens" } : null,
    instructions: body["instructions"] ?? null,
    max_output_tokens: body["max_output_tokens"] ?? null,
    model,
    output,
    parallel_tool_calls: true,
    previous_response_id: body["previous_response_id"] ?? null,
    reasoning: body["reasoning"] ?? { effort: null, summary: null },
    service_tier: "default",
    store: body["store"] ?? true,
    temperature: 1,
    text: { format: { type: "text" } },
    tool_choice: "auto",
    tools: body["tools"] ?? [],
    top_p: 1,
    truncation: "disabled",
    usage: {
      input_tokens,
      input_tokens_details: { cached_tokens: usage.cacheRead },
      output_tokens: usage.output,
      output_tokens_details: { reasoning_tokens: usage.reasoning },
      total_tokens: input_tokens + usage.output,
    },
    user: null,
    metadata: body["metadata"] ?? {},
  };
}
