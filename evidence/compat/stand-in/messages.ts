/** Anthropic's messages. A field that belongs to a beta is taken only with the beta's header, as the provider has it. */
import { type Api, type Asked, type Event, isObject, listOf, newId, Rejected, textOf, word } from "./api.ts";
import type { Json, Reply, Said, Tool, Usage } from "./turn.ts";

/** Which header goes with which field. */
const betas: Readonly<Record<string, RegExp>> = {
  context_management: /context-management-/,
  thread: /message-threads-/,
  mcp_servers: /mcp-client-/,
};

export const messages: Api = {
  path: /^(?:\/anthropic)?\/v1\/messages$/,
  reasons: false,
  writes: true,
  modelOf: (body) => word(body["model"]),
  isStream: (body) => body["stream"] === true,
  read(asked) {
    const { body } = asked;
    mustBeTaken(asked);
    return {
      said: listOf(body["messages"]).flatMap(saidIn),
      tools: listOf(body["tools"]).map(toolOf),
      limit: Number(body["max_tokens"]),
    };
  },
  whole: ({ body, model }, reply, usage) => ({
    ...frameOf(model, usage),
    content: blocksOf(body, reply),
    stop_reason: stopOf(reply),
    usage: usageIn(usage),
  }),
  events({ body, model }, reply, usage) {
    const event = (type: string, data: Json = {}): Event => ({ name: type, data: { type, ...data } });
    const blocks = blocksOf(body, reply);
    const before = [
      event("message_start", {
        message: {
          ...frameOf(model, usage),
          content: [],
          stop_reason: null,
          usage: { ...usageIn(usage), output_tokens: 1 },
        },
      }),
      event("ping"),
    ];
    const pieces: Event[][] = [];
    const after: Event[] = [];
    for (const [index, block] of blocks.entries()) {
      const target = block["type"] === "tool_use" ? after : before;
      const delta = (one: Json): Event => event("content_block_delta", { index, delta: one });
      target.push(event("content_block_start", { index, content_block: emptied(block) }));
      if (block["type"] === "thinking") {
        target.push(
          delta({ type: "thinking_delta", thinking: block["thinking"] }),
          delta({ type: "signature_delta", signature: block["signature"] }),
        );
      } else if (block["type"] === "tool_use" || block["type"] === "server_tool_use") {
        const text = JSON.stringify(block["input"]);
        target.push(
          delta({ type: "input_json_delta", partial_json: text.slice(0, 3) }),
          delta({ type: "input_json_delta", partial_json: text.slice(3) }),
        );
      } else if (block["type"] === "text") {
        pieces.push(...reply.pieces.map((text) => [delta({ type: "text_delta", text })]));
        after.push(event("content_block_stop", { index }));
        continue;
      }
      target.push(event("content_block_stop", { index }));
    }
    after.push(
      event("message_delta", {
        delta: { stop_reason: stopOf(reply), stop_sequence: null },
        usage: { ...usageIn(usage), cache_creation: undefined },
      }),
      event("message_stop"),
    );
    return { before, pieces, after };
  },
  error: (status, message) => ({
    type: "error",
    error: { type: status === 401 ? "authentication_error" : "invalid_request_error", message },
    request_id: "req_stand_in",
  }),
};

function mustBeTaken({ body, header }: Asked): void {
  if (header("anthropic-version") === undefined) throw new Rejected(400, "anthropic-version: header is required");
  if (typeof body["max_tokens"] !== "number") throw new Rejected(400, "max_tokens: Field required");
  const named = header("anthropic-beta") ?? "";
  for (const [field, beta] of Object.entries(betas))
    if (body[field] !== undefined && !beta.test(named))
      throw new Rejected(400, `${field}: Extra inputs are not permitted`);
  const used = new Set(
    listOf(body["messages"])
      .flatMap((message) => listOf(message["content"]))
      .filter(({ type }) => type === "tool_use")
      .map(({ id }) => id),
  );
  for (const { type, tool_use_id } of listOf(body["messages"]).flatMap((message) => listOf(message["content"])))
    if (type === "tool_result" && !used.has(tool_use_id))
      throw new Rejected(400, `messages: unexpected tool_use_id found in tool_result blocks: ${String(tool_use_id)}`);
}

function saidIn(message: Json): Said[] {
  const content =
    typeof message["content"] === "string" ? [{ type: "text", text: message["content"] }] : listOf(message["content"]);
  return content.flatMap((part): Said[] => {
    if (part["type"] === "tool_result") return [{ by: "result", text: textOf(part["content"]) }];
    if (part["type"] === "tool_use") return [{ by: "call", name: word(part["name"]) }];
    if (part["type"] !== "text") return [];
    const text = word(part["text"]);
    if (message["role"] === "user") return [{ by: "user", text }];
    return message["role"] === "assistant" ? [{ by: "model", text }] : [];
  });
}

const toolOf = ({ name, type, description, input_schema }: Json): Tool => ({
  name: word(name),
  description: word(description),
  schema: (input_schema ?? {}) as Json,
  isHosted: /^web_search_\d/.test(word(type)),
});
const stopOf = (reply: Reply): string =>
  reply.isCut ? "max_tokens" : reply.calls.length > 0 ? "tool_use" : "end_turn";

function frameOf(model: string, usage: Usage): Json {
  return { id: newId("msg"), type: "message", role: "assistant", model, stop_sequence: null, usage: usageIn(usage) };
}

function blocksOf(body: Json, reply: Reply): Json[] {
  const thinking = body["thinking"];
  const thinks = isObject(thinking) && thinking["type"] !== "disabled";
  return [
    ...(thinks ? [{ type: "thinking", thinking: "I think. ", signature: "c3RhbmQtaW4=" }] : []),
    ...searchesIn(reply),
    ...(reply.pieces.length > 0 ? [{ type: "text", text: reply.pieces.join("") }] : []),
    ...reply.calls.map(({ tool, input }) => ({ type: "tool_use", id: newId("toolu"), name: tool.name, input })),
  ];
}

function searchesIn(reply: Reply): Json[] {
  return Array.from({ length: reply.searches ?? 0 }).flatMap(() => {
    const id = newId("srvtoolu");
    const page = {
      type: "web_search_result",
      url: "https://example.com/",
      title: "Compat",
      encrypted_content: "YQ==",
      page_age: null,
    };
    return [
      { type: "server_tool_use", id, name: "web_search", input: { query: "compat" } },
      { type: "web_search_tool_result", tool_use_id: id, content: [page] },
    ];
  });
}

function emptied(block: Json): Json {
  if (block["type"] === "thinking") return { ...block, thinking: "", signature: "" };
  if (block["type"] === "web_search_tool_result") return block;
  return word(block["type"]).endsWith("tool_use") ? { ...block, input: {} } : { ...block, text: "" };
}

function usageIn(usage: Usage): Json {
  return {
    input_tokens: usage.input,
    cache_creation_input_tokens: usage.cacheWrite + usage.cacheWrite1h,
    cache_read_input_tokens: usage.cacheRead,
    cache_creation: { ephemeral_5m_input_tokens: usage.cacheWrite, ephemeral_1h_input_tokens: usage.cacheWrite1h },
    output_tokens: usage.output,
    service_tier: "standard",
    ...(usage.searches > 0 ? { server_tool_use: { web_search_requests: usage.searches, web_fetch_requests: 0 } } : {}),
  };
}
