/**
 * What Anthropic publishes as the contract between Claude Code and a gateway (code.claude.com/docs/en/llm-gateway-protocol),
 * point by point, each checked by requests to a running governor and by what its provider was sent.
 */
import { isDeepStrictEqual } from "node:util";
import type { Json } from "../stand-in/turn.ts";
import type { World } from "./scenarios.ts";

export type Point = { readonly rule: string; readonly isMet: boolean; readonly seen: string };

type Answer = { readonly status: number; readonly text: string; readonly headers: Headers };
type Ask = (
  path: string,
  options?: { method?: string; headers?: Record<string, string>; body?: Json },
) => Promise<Answer>;
type Check = {
  readonly rule: string;
  readonly see: (ask: Ask, world: World, pool: string) => Promise<readonly [boolean, string]>;
};

const betas = "claude-code-20250219,context-management-2025-06-27,a-beta-of-tomorrow-2027-01-01";
const version = { "anthropic-version": "2023-06-01", "anthropic-beta": betas };

/** A request as Claude Code sends it, with an attribution block, markers of the cache and a system message in its middle. */
const whole: Json = {
  model: "claude-opus-5-5",
  max_tokens: 4_000,
  system: [
    { type: "text", text: "x-anthropic-billing-header: cc_version=1" },
    { type: "text", text: "You are an agent.", cache_control: { type: "ephemeral" } },
  ],
  messages: [
    { role: "user", content: [{ type: "text", text: "hi", cache_control: { type: "ephemeral", ttl: "1h" } }] },
    { role: "system", content: [{ type: "text", text: "Mind the budget.", cache_control: { type: "ephemeral" } }] },
  ],
  tools: [
    {
      name: "look",
      description: "Looks.",
      input_schema: { type: "object", properties: {} },
      strict: true,
      defer_loading: true,
      eager_input_streaming: true,
    },
  ],
  thinking: { type: "adaptive", display: "omitted" },
  context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
  output_config: { effort: "high" },
  metadata: { user_id: "u" },
};

const simple = (more: Json = {}): Json => ({
  model: "claude-opus-5-5",
  max_tokens: 4_000,
  messages: [{ role: "user", content: "hi" }],
  ...more,
});
const messagesPath = "/v1/messages?beta=true";

const checks: readonly Check[] = [
  {
    rule: "Serve `POST /v1/messages`, matched by its path: inference posts to `/v1/messages?beta=true`",
    see: async (ask) => statusIs(await ask(messagesPath, { headers: version, body: simple() }), 200),
  },
  {
    rule: "Serve `POST /v1/messages/count_tokens`, so that counting costs no inference",
    see: async (ask, { governed }, pool) => {
      const before = await governed.books(pool);
      const answer = await ask("/v1/messages/count_tokens", { headers: version, body: simple() });
      const { consumed } = await governed.books(pool);
      return [
        answer.status === 200 && consumed === before.consumed,
        `${answer.status}, ${consumed - before.consumed} booked`,
      ];
    },
  },
  {
    rule: "Forward `anthropic-version` and `anthropic-beta` unchanged, values unknown today included",
    see: async (ask, { standIn }) => {
      await ask(messagesPath, { headers: version, body: simple() });
      const headers = standIn.received().headers;
      const same = headers["anthropic-beta"] === betas && headers["anthropic-version"] === version["anthropic-version"];
      return [same, String(headers["anthropic-beta"])];
    },
  },
  {
    rule: "Pass further `anthropic-*` request headers through: an open list",
    see: async (ask, { standIn }) => {
      await ask(messagesPath, { headers: { ...version, "anthropic-of-tomorrow": "1" }, body: simple() });
      const value = standIn.received().headers["anthropic-of-tomorrow"];
      return [value === "1", value === undefined ? "dropped" : "forwarded"];
    },
  },
  {
    rule: "Pass further body fields through: an open list",
    see: async (ask, { standIn }) => {
      const answer = await ask(messagesPath, { headers: version, body: simple({ field_of_tomorrow: { a: 1 } }) });
      if (answer.status !== 200) return [false, said(answer)];
      const { field_of_tomorrow } = standIn.received().body;
      return [isDeepStrictEqual(field_of_tomorrow, { a: 1 }), "forwarded"];
    },
  },
  {
    rule: "Forward the body as received: `system` as blocks in order, `cache_control` wherever it is, system messages in mid-conversation, adaptive thinking, effort, context management, `strict`, `defer_loading` and `eager_input_streaming` of tools",
    see: async (ask, { standIn }) => {
      const answer = await ask(messagesPath, { headers: version, body: whole });
      if (answer.status !== 200) return [false, said(answer)];
      const { body } = standIn.received();
      const changed = [...new Set([...Object.keys(whole), ...Object.keys(body)])].filter(
        (name) => !isDeepStrictEqual(whole[name], body[name]),
      );
      return [changed.length === 0, changed.length === 0 ? "equal" : `changed: ${changed.join(", ")}`];
    },
  },
  {
    rule: "Relay a stream as it comes, `ping` events and comment lines included",
    see: async (ask, { standIn }) => {
      const from = standIn.answered.length;
      const answer = await ask(messagesPath, {
        headers: version,
        body: simple({ stream: true, messages: [{ role: "user", content: "compat:silence" }] }),
      });
      const paused = standIn.answered[from]?.paused;
      const kept = /event: ping/.test(answer.text) && /^: keep-alive/m.test(answer.text);
      return [
        kept && paused === "released",
        `${kept ? "relayed" : "stripped"}, ${paused === "released" ? "at once" : "held up"}`,
      ];
    },
  },
  {
    rule: "Forward error bodies of the provider unmodified: Claude Code's own recovery reads their words",
    see: async (ask) => {
      const answer = await ask(messagesPath, {
        headers: version,
        body: simple({ messages: [{ role: "user", content: "compat:reject" }] }),
      });
      return [answer.status === 400 && answer.text === rejection, `${answer.status} ${answer.text}`];
    },
  },
  {
    rule: "Serve `GET /v1/models?limit=1000` at the base URL, within 3 s and without a redirect, to a credential in `Authorization`, `x-api-key` or both",
    see: async (ask, world, pool) => {
      const begun = Date.now();
      const answer = await ask("/v1/models?limit=1000", {
        headers: { ...version, authorization: `Bearer ${world.governed.keyOf(pool)}` },
      });
      const isQuick = Date.now() - begun < 3_000;
      const { data } = JSON.parse(answer.text) as { data?: { id: string; display_name?: string }[] };
      const named = data?.some(({ id, display_name }) => /claude/.test(id) && display_name !== undefined) === true;
      return [
        answer.status === 200 && isQuick && named,
        `${answer.status}, ${data?.length ?? 0} models with their names`,
      ];
    },
  },
  {
    rule: "Take `x-claude-code-session-id`, `x-claude-code-agent-id` and `x-claude-code-parent-agent-id`; they may be consumed",
    see: async (ask) => {
      const headers = {
        ...version,
        "x-claude-code-session-id": "s",
        "x-claude-code-agent-id": "a",
        "x-claude-code-parent-agent-id": "p",
      };
      return statusIs(await ask(messagesPath, { headers, body: simple() }), 200);
    },
  },
  {
    rule: "Reject the connection probe `HEAD /api/hello` quickly, if it is not served",
    see: async (ask) => {
      const { status } = await ask("/api/hello", { method: "HEAD" });
      return [status < 500, String(status)];
    },
  },
  {
    rule: "Book what the provider reports, hold nothing afterwards",
    see: async (_, { governed }, pool) => {
      const { held } = await governed.books(pool);
      return [held === 0, `held ${held}`];
    },
  },
];

/** What the stand-in answers to `compat:reject`, byte for byte. */
export const rejection =
  '{"type":"error","error":{"type":"invalid_request_error","message":"messages.3.content.0: Invalid `signature` in `thinking` block"},"request_id":"req_stand_in"}';

export async function checkContract(world: World): Promise<Point[]> {
  const pool = "contract";
  const key = await world.governed.pool(pool, "tokens");
  const ask: Ask = async (path, { method, headers = {}, body } = {}) => {
    const response = await fetch(`${world.recorder.url}/anthropic${path}`, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: { "x-api-key": key, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  const points: Point[] = [];
  for (const { rule, see } of checks) {
    const [isMet, seen] = await see(ask, world, pool);
    points.push({ rule, isMet, seen });
  }
  return points;
}

function statusIs(answer: Answer, status: number): readonly [boolean, string] {
  return [answer.status === status, answer.status === status ? String(status) : said(answer)];
}

const said = ({ status, text }: Answer): string => `${status} ${text.slice(0, 160)}`;
