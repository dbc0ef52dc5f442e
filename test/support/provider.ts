/**
 * A stand-in for the providers of models: OpenAI's chat completions, responses and embeddings, Anthropic's messages,
 * whole and streamed, with exact usage. The model's name says what goes wrong: `stand-in:hang-5:crlf` stops after five
 * events, and ends its lines as Windows does.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";

export type Provider = {
  readonly url: string;
  /** Bodies of the calls so far. */
  readonly requests: Record<string, unknown>[];
  /** All requests so far. */
  readonly calls: { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string }[];
  /** Answers that were broken off by whoever asked. */
  readonly abandoned: string[];
  stop(): void;
};

/** What every answer uses: 20 tokens in, 4 of them cached, and one out for each word. */
export const input = 20;
export const cached = 4;
export const words = ["The ", "governor ", "keeps ", "what ", "is ", "left, ", "and ", "gives ", "it ", "back."];
export const answer = words.join("");
/** Tokens of a whole answer. */
export const used = input + words.length;

export async function startProvider(): Promise<Provider> {
  const provider = { requests: [], calls: [], abandoned: [] } as Pick<Provider, "requests" | "calls" | "abandoned">;
  const server = createServer((request, response) => void respond(request, response, provider));
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    ...provider,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What a model's name says: `name`, or `name-5`. */
class Scenario {
  readonly #parts: readonly string[];

  constructor(model: string) {
    this.#parts = model.split(":");
  }

  is(name: string): boolean {
    return this.#parts.includes(name);
  }

  /** The number after `name-`, or never. */
  at(name: string): number {
    const part = this.#parts.find((one) => one.startsWith(`${name}-`));
    return part === undefined ? Number.POSITIVE_INFINITY : Number(part.slice(name.length + 1));
  }
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  { requests, calls, abandoned }: Pick<Provider, "requests" | "calls" | "abandoned">,
) {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  const [path = ""] = (request.url ?? "").split("?");
  calls.push({ path: request.url ?? "", headers: request.headers, body: text });
  response.setHeader("x-request-id", "req_of_the_provider");
  response.setHeader("set-cookie", "secret-of-the-provider=1");
  if (request.method === "GET") return json(response, 200, { object: "list", data: [], has_more: false });
  if (path.endsWith("/count_tokens")) return json(response, 200, { input_tokens: input });
  const body: Record<string, unknown> = JSON.parse(text);
  requests.push(body);
  const model = String(body["model"]);
  const scenario = new Scenario(model);
  // The name that it answers by, where a test wants another than it was asked by.
  const snapshot = request.headers["x-stainless-snapshot"]?.toString();
  if (scenario.is("broken"))
    return json(response, 400, { error: { message: "no such model", type: "invalid_request_error" } });
  if (scenario.is("telltale")) {
    const key = String(request.headers.authorization ?? request.headers["x-api-key"]).replace(/^Bearer /, "");
    return telltale(response, key, scenario);
  }
  if (scenario.is("overloaded")) return json(response, 503, { error: { message: "later", type: "server_error" } });
  if (scenario.is("strange")) return json(response, 999, {});
  if (scenario.is("redirect")) return void response.writeHead(302, { location: "http://127.0.0.1:9/stolen" }).end();
  if (scenario.is("reset")) return void response.destroy();
  response.once("close", () => {
    if (!response.writableFinished) abandoned.push(model);
  });
  if (scenario.is("mute")) return;
  if (scenario.is("late")) await pause(300);
  const events = eventsOf(path, body, scenario);
  if (events === undefined) return whole(response, wholeOf(path, snapshot ?? model, scenario), scenario);
  await stream(response, events, scenario);
}

/** An error that names the key and the account that pay, in one of the ways in which providers and proxies may. */
function telltale(response: ServerResponse, key: string, scenario: Scenario): void {
  const status = scenario.at("status") > 599 ? 200 : scenario.at("status");
  const words = `rate limit of organization org-AbCdEf123456, project proj_XyZ987654, key ${key}, shown as sk-abc***789`;
  const others = `; of 3dfa7c4e-1111-4222-8333-444455556666; ${key.slice(0, 9)}...XyZ; ${btoa(key)}; ${encodeURIComponent(key)}`;
  const error = { type: "error", error: { message: words + others, type: "e", [key]: [key] } };
  response.setHeader("x-ratelimit-limit-tokens", key);
  response.setHeader("x-ratelimit-limit-requests", "60");
  if (scenario.is("plain")) return void response.writeHead(status, { "content-type": "text/plain" }).end(words);
  if (scenario.is("long")) return json(response, status, { filling: "x".repeat(65_500), ...error });
  if (scenario.is("streamed")) {
    const text = `event: error\ndata: ${JSON.stringify(error)}\n\n`;
    const half = text.indexOf(key) + 5;
    response.writeHead(200, { "content-type": "text/event-stream" }).write(text.slice(0, half));
    return void setTimeout(() => response.end(text.slice(half)), 50);
  }
  const text = JSON.stringify(error);
  const escaped = Array.from(text, (one) =>
    /[a-z_]/i.test(one) ? `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}` : one,
  );
  response.writeHead(status, { "content-type": "application/json" });
  response.end(scenario.is("escaped") ? escaped.join("") : text);
}

function whole(response: ServerResponse, answerOf: object, scenario: Scenario): void {
  if (scenario.is("header")) response.setHeader("x-confidence", "0.91");
  const text = JSON.stringify(answerOf);
  if (scenario.is("overdue")) {
    response.writeHead(200, { "content-type": "application/json", "content-length": text.length + 10 });
    response.write(text, () => setTimeout(() => response.destroy(), 20));
    return;
  }
  if (scenario.is("trickle")) {
    response.writeHead(200, { "content-type": "application/json" });
    void trickle(response, text);
    return;
  }
  if (scenario.is("torn")) {
    response.writeHead(200, { "content-type": "application/json", "content-length": text.length });
    response.write(text.slice(0, 40), () => response.destroy());
    return;
  }
  if (scenario.is("gzip")) {
    response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
    response.end(gzipSync(text));
    return;
  }
  response.writeHead(200, { "content-type": "application/json" }).end(text);
}

/** A whole answer in ten pieces, 100 ms apart. */
async function trickle(response: ServerResponse, text: string): Promise<void> {
  const size = Math.ceil(text.length / 10);
  for (let at = 0; at < text.length; at += size) {
    response.write(text.slice(at, at + size));
    await pause(100);
  }
  response.end();
}

async function stream(response: ServerResponse, events: readonly string[], scenario: Scenario): Promise<void> {
  if (scenario.is("header")) response.setHeader("x-confidence", "0.91");
  if (scenario.is("gzip")) {
    response.writeHead(200, { "content-type": "text/event-stream", "content-encoding": "gzip" });
    response.end(gzipSync(events.join("")));
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.flushHeaders();
  for (const [index, event] of events.entries()) {
    if ((scenario.is("cut") && index === 6) || index === scenario.at("cut")) return void response.destroy();
    if (index === scenario.at("hang")) return;
    if (index === scenario.at("end")) break;
    if (index === scenario.at("pause")) await pause(3_000);
    if (index === scenario.at("error")) {
      response.write(
        `data: ${JSON.stringify({ type: "error", error: { type: "overloaded_error", message: "!" } })}\n\n`,
      );
      break;
    }
    const text = scenario.is("crlf") ? event.replaceAll("\n", "\r\n") : event;
    if (scenario.is("joined")) {
      response.write(text);
    } else if (scenario.is("bytes")) {
      for (const byte of Buffer.from(text)) response.write(Buffer.of(byte));
      await pause(0);
    } else {
      response.write(text);
      // Let each go out by itself: the client must cope with every way of cutting a stream.
      await pause(scenario.is("slow") ? 30 : scenario.is("slower") ? 150 : 1);
    }
  }
  response.end();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
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
/** Ten of the tokens were written to the cache, four of them for an hour. */
const hourUsage = {
  input_tokens: input - cached - 10,
  cache_creation_input_tokens: 10,
  cache_creation: { ephemeral_5m_input_tokens: 6, ephemeral_1h_input_tokens: 4 },
};
const messageUsage = { input_tokens: input - cached, cache_read_input_tokens: cached, cache_creation_input_tokens: 0 };

const responseOf = (model: string, status: string, output: object[], usage: object | null) => ({
  id: "resp_1",
  object: "response",
  created_at: 1,
  model,
  status,
  output,
  usage,
});

const outputText = (text: string) => ({ type: "output_text", text, annotations: [] });
const outputItem = (status: string, content: object[]) => ({
  id: "msg_1",
  type: "message",
  role: "assistant",
  status,
  content,
});

const messageOf = (model: string, content: object[], output: number, stop: string | null, scenario: Scenario) => ({
  id: "msg_1",
  type: "message",
  role: "assistant",
  model,
  content,
  stop_reason: stop,
  stop_sequence: null,
  usage: scenario.is("zero")
    ? { input_tokens: 0, output_tokens: 0 }
    : scenario.is("huge")
      ? { ...messageUsage, input_tokens: 90, output_tokens: output }
      : { ...messageUsage, ...(scenario.is("hour") ? hourUsage : {}), output_tokens: output },
});

/** What it says: words, or where its name asks for it an answer that states its confidence. */
function saidBy(scenario: Scenario): readonly string[] {
  if (scenario.is("sure")) return ['{"answer": "yes", ', '"confidence": ', "0.93}"];
  if (scenario.is("runes")) return ["Größe ", "→ ", "値段 ", "🦉 ", "done"];
  return words;
}

/** The model that it says it is: its name, or another where it is an alias. */
function nameOf(model: string, scenario: Scenario): string {
  return scenario.is("alias") ? "dear-model" : model;
}

function usageBy<T extends object>(scenario: Scenario, usage: T): T {
  if (!scenario.is("zero")) return usage;
  return Object.fromEntries(
    Object.entries(usage).map(([name, value]) => [name, typeof value === "number" ? 0 : value]),
  ) as T;
}

function wholeOf(path: string, model: string, scenario: Scenario): object {
  const text = saidBy(scenario).join("");
  const usage = <T extends object>(reported: T) =>
    scenario.is("unreported") ? {} : { usage: usageBy(scenario, reported) };
  const name = nameOf(model, scenario);
  if (path.endsWith("/chat/completions")) {
    const calls = [{ id: "call_1", type: "function", function: { name: "answer", arguments: sureArguments } }];
    const message = scenario.is("tool")
      ? { role: "assistant", content: null, tool_calls: calls }
      : { role: "assistant", content: text };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    return { id: "c1", object: "chat.completion", created: 1, model: name, choices, ...usage(chatUsage) };
  }
  if (path.endsWith("/embeddings")) {
    const data = [{ object: "embedding", index: 0, embedding: [0.1] }];
    return { object: "list", model: name, data, ...usage({ prompt_tokens: input, total_tokens: input }) };
  }
  if (path.endsWith("/responses")) {
    return {
      ...responseOf(name, "completed", [outputItem("completed", [outputText(text)])], null),
      ...usage(responseUsage),
    };
  }
  const content = scenario.is("tool")
    ? [{ type: "tool_use", id: "tool_1", name: "answer", input: JSON.parse(sureArguments) }]
    : [{ type: "text", text }];
  const message = messageOf(name, content, words.length, "end_turn", scenario);
  return scenario.is("unreported") ? { ...message, usage: undefined } : message;
}

const sureArguments = '{"answer":"yes","confidence":0.97}';

/** The events of a streamed answer, as text; undefined for a request that asks for a whole one. */
function eventsOf(path: string, body: Record<string, unknown>, scenario: Scenario): string[] | undefined {
  if (body["stream"] !== true) return undefined;
  const name = nameOf(String(body["model"]), scenario);
  if (path.endsWith("/chat/completions")) return chatEvents(name, body, scenario);
  return path.endsWith("/responses") ? responseEvents(name, scenario) : messageEvents(name, scenario);
}

function chatEvents(model: string, body: Record<string, unknown>, scenario: Scenario): string[] {
  const asked = Object(body["stream_options"]).include_usage === true;
  let spoken = 0;
  const usageNow = () =>
    scenario.is("running") ? { prompt_tokens: input, completion_tokens: spoken, total_tokens: input + spoken } : null;
  const chunk = (choices: object[], usage?: object | null) => {
    const fields = { id: "c1", object: "chat.completion.chunk", created: 1, model };
    // As OpenAI does: with usage asked for, every chunk has the field.
    const reported = usage === undefined ? {} : { usage };
    return `data: ${JSON.stringify({ ...fields, choices, ...(asked ? reported : {}) })}\n\n`;
  };
  const part = (delta: object, finish_reason: string | null = null) =>
    chunk([{ index: 0, delta, finish_reason }], usageNow());
  const call = { index: 0, id: "call_1", type: "function", function: { name: "answer", arguments: "" } };
  const pieces = scenario.is("tool")
    ? [
        part({ tool_calls: [call] }),
        ...(sureArguments.match(/.{1,8}/g) ?? []).map((piece) =>
          part({ tool_calls: [{ index: 0, function: { arguments: piece } }] }),
        ),
      ]
    : saidBy(scenario).map((content) => {
        spoken++;
        return part({ content });
      });
  const last = usageBy(scenario, chatUsage);
  return [
    part({ role: "assistant", content: "" }),
    ...pieces,
    part({}, "stop"),
    ...(asked && !scenario.is("unreported") ? [chunk([], last)] : []),
    ...(asked && scenario.is("twice") ? [chunk([], last)] : []),
    "data: [DONE]\n\n",
  ];
}

function responseEvents(model: string, scenario: Scenario): string[] {
  let sequence = 0;
  const event = (type: string, fields: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...fields })}\n\n`;
  const place = { item_id: "msg_1", output_index: 0, content_index: 0 };
  const said = saidBy(scenario);
  const text = said.join("");
  const done = [outputItem("completed", [outputText(text)])];
  const usage = scenario.is("unreported") ? null : usageBy(scenario, responseUsage);
  return [
    event("response.created", { response: responseOf(model, "in_progress", [], null) }),
    event("response.output_item.added", { output_index: 0, item: outputItem("in_progress", []) }),
    event("response.content_part.added", { ...place, part: outputText("") }),
    ...said.map((delta) => event("response.output_text.delta", { ...place, delta, logprobs: [] })),
    event("response.output_text.done", { ...place, text, logprobs: [] }),
    event("response.content_part.done", { ...place, part: outputText(text) }),
    event("response.output_item.done", { output_index: 0, item: done[0] }),
    event("response.completed", { response: responseOf(model, "completed", done, usage) }),
  ];
}

function messageEvents(model: string, scenario: Scenario): string[] {
  const event = (type: string, fields: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
  const block = scenario.is("tool")
    ? { type: "tool_use", id: "tool_1", name: "answer", input: {} }
    : { type: "text", text: "" };
  const deltas = scenario.is("tool")
    ? (sureArguments.match(/.{1,8}/g) ?? []).map((partial_json) => ({ type: "input_json_delta", partial_json }))
    : saidBy(scenario).map((text) => ({ type: "text_delta", text }));
  const output_tokens = scenario.is("zero") ? 0 : scenario.is("negative") ? -1_000_000 : words.length;
  const usage = scenario.is("absent") ? { output_tokens: null } : { output_tokens };
  const delta = { delta: { stop_reason: "end_turn", stop_sequence: null } };
  return [
    event("message_start", { message: messageOf(model, [], 1, null, scenario) }),
    event("content_block_start", { index: 0, content_block: block }),
    event("ping", {}),
    ...deltas.map((piece) => event("content_block_delta", { index: 0, delta: piece })),
    event("content_block_stop", { index: 0 }),
    ...(scenario.is("unreported") ? [] : [event("message_delta", { ...delta, usage })]),
    ...(scenario.is("twice") ? [event("message_delta", { ...delta, usage })] : []),
    event("message_stop", {}),
  ];
}
