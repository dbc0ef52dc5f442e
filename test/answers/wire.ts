/** Writes requests, chunks and events as the providers' APIs document them, so that a case shows what is special of it. */

export type Fields = Readonly<Record<string, unknown>>;

/** One server-sent event that is only data. */
export function data(value: unknown): string {
  return `data: ${JSON.stringify(value)}`;
}

/** One server-sent event that says what it is in `event:`, too. */
export function event(name: string, value: unknown): string {
  return `event: ${name}\n${data(value)}`;
}

/** … named by its `type`, as Anthropic's and the Responses API's are. */
export function typed(type: string, fields: Fields = {}): string {
  return event(type, { type, ...fields });
}

export const done = "data: [DONE]";

const messages = [{ role: "user", content: "Say hello to the people of Lisbon." }];

/** A request of a whole chat completion. */
export function chat(model: string, more: Fields = {}): Fields {
  return { model, messages, ...more };
}

/** … of a stream, with its usage in it. */
export function chatStream(model: string, more: Fields = {}): Fields {
  return { model, messages, stream: true, stream_options: { include_usage: true }, ...more };
}

/** A request to Anthropic's messages. */
export function message(model: string, more: Fields = {}): Fields {
  return { model, max_tokens: 1_024, messages, ...more };
}

/** A request to OpenAI's Responses. */
export function response(model: string, more: Fields = {}): Fields {
  return { model, input: "Say hello to the people of Lisbon.", ...more };
}

/** The chunks of a chat completion's stream. `base` is in every chunk. */
export function chunksOf(model: string, base: Fields = {}) {
  const chunk = (choices: unknown, more: Fields = {}): string =>
    data({
      id: "chatcmpl-7Qk2",
      object: "chat.completion.chunk",
      created: 1_790_000_000,
      model,
      ...base,
      choices,
      ...more,
    });
  const delta = (fields: Fields, more: Fields = {}, index = 0): string =>
    chunk([{ index, delta: fields, finish_reason: null }], more);
  return {
    chunk,
    delta,
    role: (more: Fields = {}, index = 0): string => delta({ role: "assistant", content: "" }, more, index),
    text: (content: string, more: Fields = {}, index = 0): string => delta({ content }, more, index),
    finish: (reason = "stop", more: Fields = {}, index = 0): string =>
      chunk([{ index, delta: {}, finish_reason: reason }], more),
    usage: (usage: unknown, more: Fields = {}): string => chunk([], { usage, ...more }),
  };
}

/** A whole chat completion. */
export function completion(model: string, content: string, more: Fields = {}, messageFields: Fields = {}): string {
  return JSON.stringify({
    id: "chatcmpl-7Qk2",
    object: "chat.completion",
    created: 1_790_000_000,
    model,
    choices: [{ index: 0, message: { role: "assistant", content, ...messageFields }, finish_reason: "stop" }],
    ...more,
  });
}

/** The events of a stream of Anthropic's messages. */
export const claude = {
  start: (model: string, usage: unknown, more: Fields = {}): string =>
    typed("message_start", {
      message: {
        id: "msg_01Lx",
        type: "message",
        role: "assistant",
        model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage,
        ...more,
      },
    }),
  block: (content_block: Fields, index = 0): string => typed("content_block_start", { index, content_block }),
  textBlock: typed("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
  delta: (delta: Fields, index = 0): string => typed("content_block_delta", { index, delta }),
  text: (text: string, index = 0): string =>
    typed("content_block_delta", { index, delta: { type: "text_delta", text } }),
  blockStop: (index = 0): string => typed("content_block_stop", { index }),
  end: (usage: unknown, more: Fields = {}): string =>
    typed("message_delta", { delta: { stop_reason: "end_turn", stop_sequence: null, ...more }, usage }),
  ping: typed("ping"),
  stop: typed("message_stop"),
  error: (type: string, message: string): string => typed("error", { error: { type, message } }),
};

/** A whole message of Anthropic. */
export function wholeMessage(model: string, text: string, usage: unknown, more: Fields = {}): string {
  return JSON.stringify({
    id: "msg_01Lx",
    type: "message",
    role: "assistant",
    model,
    content: [{ type: "text", text }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage,
    ...more,
  });
}

/** The events of a stream of OpenAI's Responses, numbered in the order in which they are written. */
export function responsesOf(model: string, base: Fields = {}) {
  let sequence_number = 0;
  const next = (type: string, fields: Fields): string => typed(type, { ...fields, sequence_number: sequence_number++ });
  const whole = (fields: Fields): Fields => ({
    id: "resp_68f1",
    object: "response",
    created_at: 1_790_000_000,
    model,
    error: null,
    incomplete_details: null,
    output: [],
    usage: null,
    ...base,
    ...fields,
  });
  const item = { item_id: "msg_68f1", output_index: 0, content_index: 0 };
  return {
    next,
    created: (): string => next("response.created", { response: whole({ status: "in_progress" }) }),
    inProgress: (): string => next("response.in_progress", { response: whole({ status: "in_progress" }) }),
    added: (fields: Fields, output_index = 0): string =>
      next("response.output_item.added", { output_index, item: fields }),
    text: (delta: string): string => next("response.output_text.delta", { ...item, delta, logprobs: [] }),
    /** What repeats the whole text: its end, the end of its part, and the end of its item. */
    done: (text: string): string[] => {
      const part = { type: "output_text", text, annotations: [] };
      return [
        next("response.output_text.done", { ...item, text }),
        next("response.content_part.done", { ...item, part }),
        next("response.output_item.done", {
          output_index: 0,
          item: { id: "msg_68f1", type: "message", status: "completed", role: "assistant", content: [part] },
        }),
      ];
    },
    /** The last event, `response.<status>`. */
    end: (status: string, fields: Fields): string =>
      next(`response.${status}`, { response: whole({ status, ...fields }) }),
    error: (code: string, message: string): string => next("error", { code, message, param: null }),
  };
}

/** A whole response of OpenAI's Responses. */
export function wholeResponse(model: string, text: string, usage: unknown, more: Fields = {}): string {
  return JSON.stringify({
    id: "resp_68f1",
    object: "response",
    created_at: 1_790_000_000,
    status: "completed",
    error: null,
    incomplete_details: null,
    model,
    output: [
      {
        id: "msg_68f1",
        type: "message",
        status: "completed",
        role: "assistant",
        content: [{ type: "output_text", text, annotations: [] }],
      },
    ],
    usage,
    ...more,
  });
}

/** A usage of the Responses, with each field that OpenAI documents. */
export function responseUsage(input_tokens: number, output_tokens: number, more: Fields = {}): Fields {
  return {
    input_tokens,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input_tokens + output_tokens,
    ...more,
  };
}
