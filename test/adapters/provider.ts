/**
 * A stand-in for the providers of models: OpenAI's chat completions, responses and embeddings, Anthropic's messages,
 * whole and streamed, with exact usage. The model's name says what goes wrong.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Provider = {
  readonly url: string;
  /** Bodies of the requests so far. */
  readonly requests: Record<string, unknown>[];
  stop(): void;
};

/** What every answer uses: 20 tokens in, 4 of them cached, and one out for each word. */
const input = 20;
const cached = 4;
const words = ["The ", "governor ", "keeps ", "what ", "is ", "left, ", "and ", "gives ", "it ", "back."];
export const answer = words.join("");
/** Tokens of a whole answer. */
export const used = input + words.length;

export async function startProvider(): Promise<Provider> {
  const requests: Record<string, unknown>[] = [];
  const server = createServer((request, response) => void respond(request, response, requests));
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function respond(request: IncomingMessage, response: ServerResponse, requests: Record<string, unknown>[]) {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  const path = request.url ?? "";
  if (request.method === "GET") return json(response, 200, { object: "list", data: [] });
  const body: Record<string, unknown> = JSON.parse(text);
  requests.push(body);
  const model = String(body["model"]);
  if (model === "broken")
    return json(response, 400, { error: { message: "no such model", type: "invalid_request_error" } });
  const events = eventsOf(path, body);
  if (events === undefined) return json(response, 200, wholeOf(path));
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const [index, event] of events.entries()) {
    if (model === "cut" && index === 6) return response.destroy();
    response.write(event);
    // Let each go out by itself: the client must cope with every way of cutting a stream.
    await new Promise((resolve) => setTimeout(resolve, model === "slow" ? 30 : 1));
  }
  response.end();
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

const chatUsage = {
  prompt_tokens: input,
  completion_tokens: words.length,
  total_tokens: used,
  prompt_tokens_details: { cached_tokens: cached },
};
const responseUsage = {
  input_tokens: input,
  output_tokens: words.length,
  total_tokens: used,
  input_tokens_details: { cached_tokens: cached },
  output_tokens_details: { reasoning_tokens: 0 },
};
const messageUsage = { input_tokens: input - cached, cache_read_input_tokens: cached, cache_creation_input_tokens: 0 };

const responseOf = (status: string, text: string, usage: object | null) => ({
  id: "resp_1",
  object: "response",
  created_at: 1,
  model: "stand-in",
  status,
  output: [
    {
      id: "msg_1",
      type: "message",
      role: "assistant",
      status,
      content: [{ type: "output_text", text, annotations: [] }],
    },
  ],
  usage,
});

const messageOf = (content: object[], output: number, stop: string | null) => ({
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "stand-in",
  content,
  stop_reason: stop,
  stop_sequence: null,
  usage: { ...messageUsage, output_tokens: output },
});

function wholeOf(path: string): object {
  if (path.endsWith("/chat/completions")) {
    const message = { role: "assistant", content: answer };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    return { id: "c1", object: "chat.completion", created: 1, model: "stand-in", choices, usage: chatUsage };
  }
  if (path.endsWith("/embeddings")) {
    const data = [{ object: "embedding", index: 0, embedding: [0.1] }];
    return { object: "list", model: "stand-in", data, usage: { prompt_tokens: input, total_tokens: input } };
  }
  if (path.endsWith("/responses")) return responseOf("completed", answer, responseUsage);
  return messageOf([{ type: "text", text: answer }], words.length, "end_turn");
}

/** The events of a streamed answer, as text; undefined for a request that asks for a whole one. */
function eventsOf(path: string, body: Record<string, unknown>): string[] | undefined {
  if (body["stream"] !== true) return undefined;
  if (path.endsWith("/chat/completions")) return chatEvents(body);
  return path.endsWith("/responses") ? responseEvents() : messageEvents();
}

function chatEvents(body: Record<string, unknown>): string[] {
  const chunk = (choices: object[], usage?: object) => {
    const fields = { id: "c1", object: "chat.completion.chunk", created: 1, model: "stand-in" };
    return `data: ${JSON.stringify({ ...fields, choices, ...(usage === undefined ? {} : { usage }) })}\n\n`;
  };
  const delta = (content: string) => chunk([{ index: 0, delta: { content }, finish_reason: null }]);
  const asked = Object(body["stream_options"]).include_usage === true;
  return [
    chunk([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }]),
    ...words.map(delta),
    chunk([{ index: 0, delta: {}, finish_reason: "stop" }]),
    ...(asked ? [chunk([], chatUsage)] : []),
    "data: [DONE]\n\n",
  ];
}

function responseEvents(): string[] {
  let sequence = 0;
  const event = (type: string, fields: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...fields })}\n\n`;
  const place = { item_id: "msg_1", output_index: 0, content_index: 0 };
  const part = (text: string) => ({ type: "output_text", text, annotations: [] });
  const item = (status: string, content: object[]) => ({
    id: "msg_1",
    type: "message",
    role: "assistant",
    status,
    content,
  });
  return [
    event("response.created", { response: { ...responseOf("in_progress", "", null), output: [] } }),
    event("response.output_item.added", { output_index: 0, item: item("in_progress", []) }),
    event("response.content_part.added", { ...place, part: part("") }),
    ...words.map((delta) => event("response.output_text.delta", { ...place, delta, logprobs: [] })),
    event("response.output_text.done", { ...place, text: answer, logprobs: [] }),
    event("response.content_part.done", { ...place, part: part(answer) }),
    event("response.output_item.done", { output_index: 0, item: item("completed", [part(answer)]) }),
    event("response.completed", { response: responseOf("completed", answer, responseUsage) }),
  ];
}

function messageEvents(): string[] {
  const event = (type: string, fields: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
  return [
    event("message_start", { message: messageOf([], 1, null) }),
    event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
    event("ping", {}),
    ...words.map((text) => event("content_block_delta", { index: 0, delta: { type: "text_delta", text } })),
    event("content_block_stop", { index: 0 }),
    event("message_delta", {
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: words.length },
    }),
    event("message_stop", {}),
  ];
}
