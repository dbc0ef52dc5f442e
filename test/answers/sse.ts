/** How relays write server-sent events: one answer, in every form that a reader of streams must take. */
import { type RecordedAnswer, recorded, type Written } from "./recorded.ts";
import { chatStream, chunksOf, claude, data, done, message } from "./wire.ts";

const model = "gpt-5.5";
const { role, text, finish, usage } = chunksOf(model);
const report = usage({ prompt_tokens: 15, completion_tokens: 6, total_tokens: 21 });
const plain: readonly string[] = [role(), text("Olá"), text(", Lisboa!"), finish(), report, done];
const booked = { usage: { input: 15, output: 6 }, reported: true } as const;

/** The plain stream, written otherwise. */
const form = (name: string, fields: Partial<Written>): Written => ({
  name,
  request: chatStream(model),
  events: plain,
  booked,
  finalAt: 4,
  ...fields,
});

const chats: readonly Written[] = [
  form("a stream that is sent as text/plain", {
    contentType: "text/plain; charset=utf-8",
    source: "https://github.com/xiaoliu10/claude-code-router-next/pull/45",
  }),
  form("a stream that is sent without a content type", { contentType: "" }),
  form("a stream that is sent as application/octet-stream", { contentType: "application/octet-stream" }),
  form("a stream that is sent as application/json", { contentType: "application/json" }),
  form("a stream whose content type has a parameter and capitals", { contentType: "Text/Event-Stream;charset=UTF-8" }),
  form("lines that end in CRLF", { lineEnd: "\r\n" }),
  form("lines that end in CR", { lineEnd: "\r" }),
  form("no space after the colon", { events: plain.map((one) => one.replace("data: ", "data:")) }),
  form("no blank line after the last event", { isUnterminated: true }),
  form("no [DONE]", { events: plain.slice(0, -1) }),
  form("no [DONE], and no blank line after the chunk with the usage", {
    events: plain.slice(0, -1),
    isUnterminated: true,
  }),
  form("comments before, between and inside of events", {
    events: [": connected", ...plain.flatMap((one) => [": keep-alive", `: a comment\n${one}`])],
    finalAt: 10,
  }),
  form("fields that say id, retry and event", {
    events: plain.map((one, index) => `id: ${index}\nretry: 3000\nevent: message\n${one}`),
  }),
  form("a byte order mark before the first event", {
    events: plain.map((one, index) => (index === 0 ? `\u{feff}${one}` : one)),
  }),
  form("one chunk over several lines of data", {
    events: plain.map((one) => (one === report ? one.replace(',"choices"', '\ndata: ,"choices"') : one)),
  }),
  form("more blank lines between the events than one", { events: plain.map((one) => `\n${one}`) }),
];

const hello = [
  claude.start("claude-haiku-5-5", { input_tokens: 17, output_tokens: 1 }),
  claude.textBlock,
  claude.text("Olá!"),
  claude.blockStop(),
  claude.end({ output_tokens: 6 }),
  claude.stop,
];

const messages: readonly Written[] = [
  {
    name: "events without an event line, and data without a space",
    request: message("claude-haiku-5-5", { stream: true }),
    events: hello.map((one) => one.replace(/^event: .*\ndata: /, "data:")),
    booked: { usage: { input: 17, output: 6 }, reported: true },
    finalAt: 4,
  },
  {
    name: "the data before the event line",
    request: message("claude-haiku-5-5", { stream: true }),
    events: hello.map((one) => one.split("\n").toReversed().join("\n")),
    booked: { usage: { input: 17, output: 6 }, reported: true },
    finalAt: 4,
  },
  {
    name: "a stream as text/plain with CRLF, and OpenAI's [DONE] at its end",
    request: message("claude-haiku-5-5", { stream: true }),
    contentType: "text/plain",
    lineEnd: "\r\n",
    events: [...hello, done],
    booked: { usage: { input: 17, output: 6 }, reported: true },
    finalAt: 4,
  },
  {
    name: "pings without data",
    request: message("claude-haiku-5-5", { stream: true }),
    events: ["event: ping\ndata: ", ...hello.slice(0, 3), "event: ping\ndata:", ...hello.slice(3)],
    booked: { usage: { input: 17, output: 6 }, reported: true },
    finalAt: 6,
  },
  {
    name: "an error that only its event line calls one",
    request: message("claude-haiku-5-5", { stream: true }),
    events: [`event: error\n${data({ error: { type: "overloaded_error", message: "Overloaded" } })}`],
    booked: { free: true },
  },
];

export const answers: readonly RecordedAnswer[] = [
  ...recorded("openai-chat", "relay", chats),
  ...recorded("anthropic-messages", "relay", messages),
];
