/**
 * What the gateway refuses, how each SDK hears of it (once, as its own error), and that the provider is asked nothing
 * without a reservation: whoever asks, whatever is wrong.
 */
import { get } from "node:http";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import { ChatAnthropic } from "@langchain/anthropic";
import { ChatOpenAI } from "@langchain/openai";
import { generateText } from "ai";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { used } from "../support/provider.ts";
import { keyFor } from "../support/workerd.ts";
import { countRequests } from "./counting.ts";
import { books, call, type DialectName, dialects, payingKeys, type Stage, settled, startStage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({ OPENAI_API_KEY: payingKeys.OPENAI_API_KEY });
}, 90_000);
afterAll(() => stage?.stop());
beforeEach(() => {
  stage.provider.calls.length = 0;
});

const names = Object.keys(dialects) as DialectName[];
const ask = { model: "stand-in", max_tokens: 60, messages: [{ role: "user" as const, content: "hello" }] };

describe("a refusal to spend", () => {
  const sdks: readonly (readonly [string, (url: string, apiKey: string) => Promise<unknown>])[] = [
    ["openai", (url, apiKey) => new OpenAI({ baseURL: `${url}/openai/v1`, apiKey }).chat.completions.create(ask)],
    [
      "openai, responses, streamed",
      (url, apiKey) =>
        new OpenAI({ baseURL: `${url}/openai/v1`, apiKey }).responses.create({
          model: "stand-in",
          input: "hi",
          stream: true,
        }),
    ],
    ["anthropic", (url, apiKey) => new Anthropic({ baseURL: `${url}/anthropic`, apiKey }).messages.create(ask)],
    [
      "ai, OpenAI",
      (url, apiKey) =>
        generateText({ model: createOpenAI({ baseURL: `${url}/openai/v1`, apiKey })("stand-in"), prompt: "hi" }),
    ],
    [
      "ai, Anthropic",
      (url, apiKey) =>
        generateText({ model: createAnthropic({ baseURL: `${url}/anthropic/v1`, apiKey })("stand-in"), prompt: "hi" }),
    ],
    [
      "LangChain, OpenAI",
      (url, apiKey) =>
        new ChatOpenAI({ model: "stand-in", apiKey, configuration: { baseURL: `${url}/openai/v1` } }).invoke("hi"),
    ],
    [
      "LangChain, Anthropic",
      (url, apiKey) =>
        new ChatAnthropic({ model: "stand-in", apiKey, anthropicApiUrl: `${url}/anthropic` }).invoke("hi"),
    ],
  ];

  it.each(sdks)("reaches %s as its own error, after one request, and the provider hears nothing", async (_, run) => {
    const { key } = await stage.newPool({ max_tokens: 5 });
    const counting = await countRequests(stage.url);
    try {
      const error = await run(counting.url, key).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(Error);
      expect((error as Error).message).toContain("Budget exhausted");
      expect(counting.requests()).toBe(1);
      expect(stage.provider.calls).toEqual([]);
    } finally {
      counting.stop();
    }
  });

  it("is Anthropic's PaymentRequiredError", async () => {
    const { key } = await stage.newPool({ max_tokens: 5 });
    const asked = new Anthropic({ baseURL: `${stage.url}/anthropic`, apiKey: key }).messages.create(ask);
    await expect(asked).rejects.toMatchObject({ status: 402, error: { error: { type: "billing_error" } } });
  });

  it("carries the facts, and says that repeating is no use", async () => {
    const { pool, key } = await stage.newPool({ max_tokens: 5 });
    const response = await call(stage, key, "chat", "stand-in");
    expect(response.status).toBe(402);
    expect(response.headers.get("x-should-retry")).toBe("false");
    expect(response.headers.get("retry-after")).toBeNull();
    const bursar = { code: "budget_exceeded", pool: pool.name, agent: "writer", unit: "tokens" };
    expect(await response.json()).toMatchObject({
      error: { type: "insufficient_quota", code: "insufficient_quota", param: null, bursar },
    });
    expect(response.headers.get("x-bursar-code")).toBe("budget_exceeded");
    expect(response.headers.get("x-bursar-available")).toBe("5");
    expect(await books(pool)).toMatchObject({ consumed: 0, held: 0 });
  });

  it("says in words which budget, how much, and what to do, and has no figure that looks like a status", async () => {
    const amounts = [429, 500, 502, 503, 504, 524, 5_000, 80_429, 2_500_000];
    for (const max_tokens of amounts) {
      for (const dialect of names) {
        const { pool, key } = await stage.newPool({ max_tokens, min_reserve: 0 });
        const hold = await pool.reserve("writer", max_tokens - 1);
        const held = await (await call(stage, key, dialect, "stand-in")).text();
        await hold.commit(max_tokens - 1);
        const spent = await (await call(stage, key, dialect, "stand-in")).text();
        for (const text of [held, spent]) {
          expect(text.replaceAll(pool.name, "")).not.toMatch(/429|500|502|503|504|524/);
        }
        expect(held).toContain(`Budget in use (pool ${pool.name}): The agent writer needs`);
        expect(held).toContain("Calls that are running hold the rest");
        expect(spent).toContain(`Budget exhausted (pool ${pool.name}): The agent writer needs`);
        expect(spent).toContain("it has 1 available");
        expect(spent).toContain("An admin can raise");
      }
    }
  });

  it("has the status that stops Codex, which repeats a 402", async () => {
    const { key } = await stage.newPool({ max_tokens: 5 });
    for (const headers of [{ originator: "codex_exec" }, { "user-agent": "codex_cli_rs/0.171.0" }]) {
      const response = await call(stage, key, "responses", "stand-in", { headers });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { code: "insufficient_quota" } });
    }
  });

  it("is one of a closed gate, too", async () => {
    const { pool, key } = await stage.newPool({ confidence_threshold: 0.8 });
    await pool.record("writer", 1, { confidence: 0.9 });
    const response = await call(stage, key, "messages", "stand-in");
    expect(response.status).toBe(402);
    expect(await response.json()).toMatchObject({
      type: "error",
      error: { type: "billing_error", bursar: { code: "confidence_reached" } },
    });
  });
});

describe("without a key, a pool or an agent", () => {
  const forged = `bursar_${"A".repeat(60)}.${"A".repeat(43)}`;
  it.each(names)("%s is refused in its dialect, and the provider hears nothing", async (dialect) => {
    const { pool, key } = await stage.newPool();
    const admin = await keyFor({ scope: "admin" });
    const other = await stage.newPool();
    const cases: readonly (readonly [string, number, string, Record<string, string>])[] = [
      ["no key", 401, "unauthorized", { authorization: "" }],
      ["a key of a provider's", 401, "unauthorized", { authorization: "Bearer sk-theirs" }],
      ["a forged key", 401, "unauthorized", { authorization: `Bearer ${forged}` }],
      [
        "a forged key beside a provider's",
        401,
        "unauthorized",
        { "x-bursar-key": forged, authorization: "Bearer sk-x" },
      ],
      ["two keys in one header", 401, "unauthorized", { authorization: `Bearer ${key}, Bearer ${key}` }],
      ["a key that may only read", 403, "forbidden", { authorization: `Bearer ${await keyFor({ scope: "read" })}` }],
      ["a key bound to no pool", 400, "invalid_request", { authorization: `Bearer ${admin}` }],
      ["no agent", 400, "invalid_request", { authorization: `Bearer ${admin}`, "x-bursar-pool": pool.name }],
      ["another agent", 403, "forbidden", { "x-bursar-agent": "critic" }],
      ["another pool that is there", 404, "pool_not_found", { "x-bursar-pool": other.pool.name }],
      ["another pool", 404, "pool_not_found", { "x-bursar-pool": "not-mine" }],
      [
        "a pool that isn't there",
        404,
        "pool_not_found",
        { authorization: `Bearer ${admin}`, "x-bursar-pool": "nowhere", "x-bursar-agent": "a" },
      ],
      [
        "an agent that isn't there",
        404,
        "agent_not_found",
        { authorization: `Bearer ${admin}`, "x-bursar-pool": pool.name, "x-bursar-agent": "nobody" },
      ],
      [
        "a name that is none",
        400,
        "invalid_request",
        { authorization: `Bearer ${admin}`, "x-bursar-pool": "../x", "x-bursar-agent": "a" },
      ],
      ["a limit that is none", 400, "invalid_request", { "x-bursar-max-output": "many" }],
      ["a wait beyond ours", 400, "invalid_request", { "x-bursar-wait-ms": "60001" }],
    ];
    for (const [about, status, code, headers] of cases) {
      const response = await call(stage, key, dialect, "stand-in", { headers });
      const body = (await response.json()) as { error: { bursar: { code: string } } };
      expect([about, response.status, body.error.bursar.code]).toEqual([about, status, code]);
      expect(body.error).toMatchObject({ message: expect.any(String), type: expect.any(String) });
      expect(response.headers.get("x-should-retry")).toBe("false");
    }
    expect(stage.provider.calls).toEqual([]);
  });

  it.each([400, 429, 500])(
    "an error of the provider's (%i) says nothing of the key and account that pay",
    async (status) => {
      const { key } = await stage.newPool();
      const response = await call(stage, key, "chat", `stand-in:telltale:status-${status}`);
      const text = await response.text();
      expect(response.status).toBe(status);
      expect(text).toContain("rate limit of organization [redacted], project [redacted], key [redacted]");
      for (const secret of [payingKeys.OPENAI_API_KEY, "org-AbC", "proj_X", "sk-abc"])
        expect(text).not.toContain(secret);
    },
  );

  it.each([
    ["in every string of its JSON", "chat", "telltale:status-429"],
    ["in escapes", "chat", "telltale:escaped:status-400"],
    ["that is no JSON", "chat", "telltale:plain:status-500"],
    ["that is longer than any", "chat", "telltale:long:status-500"],
    ["with status 200", "chat", "telltale"],
    ["with status 200, by Anthropic", "messages", "telltale:escaped"],
    ["in a stream, cut in the middle of the key", "chat", "telltale:streamed"],
    ["in a stream of Anthropic's", "messages", "telltale:streamed"],
    ["in a stream of responses", "responses", "telltale:streamed"],
  ] as const)("an error of the provider's says nothing of who pays: %s", async (_, dialect, scenario) => {
    const { key } = await stage.newPool();
    const isStreamed = scenario.endsWith("streamed");
    const response = await call(
      stage,
      key,
      dialect,
      `stand-in:${scenario}`,
      isStreamed ? { body: { stream: true } } : {},
    );
    const all = `${await response.text()}\n${[...response.headers].join("\n")}`;
    expect(all).toMatch(/redacted|can't be shown/);
    if (isStreamed) expect(all).toMatch(/^event: error\ndata: \{.*\}\n\n/);
    expect(response.headers.get("x-ratelimit-limit-requests")).toBe("60");
    for (const paying of [payingKeys.OPENAI_API_KEY, payingKeys.ANTHROPIC_API_KEY]) {
      for (const form of [paying.slice(0, 9), btoa(paying).slice(0, 12), encodeURIComponent(paying)]) {
        expect(all).not.toContain(form);
      }
    }
    for (const secret of ["org-AbC", "proj_X", "sk-abc", "3dfa7c4e", "XyZ;"]) expect(all).not.toContain(secret);
  });

  it("a revoked key, and a stranger's, is refused: calls, and questions that cost nothing", async () => {
    const { pool } = await stage.newPool();
    const { key, key_id } = await stage.bursar.keys.create({ scope: "gateway", pool: pool.name, agent: "writer" });
    expect((await call(stage, key, "chat", "stand-in")).status).toBe(200);
    await stage.bursar.keys.revoke(key_id);
    stage.provider.calls.length = 0;
    expect((await call(stage, key, "chat", "stand-in")).status).toBe(401);
    const question = await fetch(`${stage.url}/openai/v1/models`, { headers: { authorization: `Bearer ${key}` } });
    expect(question.status).toBe(401);
    expect(stage.provider.calls).toEqual([]);
  });

  it("the questions are refused as well", async () => {
    for (const path of ["/openai/v1/models", "/openai/v1/models/gpt-4o", "/anthropic/v1/models"]) {
      expect((await fetch(stage.url + path)).status).toBe(401);
    }
    const { key } = await stage.newPool();
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const counted = fetch(`${stage.url}/anthropic/v1/messages/count_tokens`, { method: "POST", headers, body: "[]" });
    expect((await counted).status).toBe(400);
    expect(stage.provider.calls).toEqual([]);
  });

  it("a scope of the gateway can do nothing else", async () => {
    const { pool, key } = await stage.newPool();
    const reserve = fetch(`${stage.url}/v1/pools/${pool.name}/reservations`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ agent: "writer", tokens: 1 }),
    });
    expect((await reserve).status).toBe(403);
  });
});

describe("a route", () => {
  it("that isn't there, or a method that it does not take, is refused in its dialect", async () => {
    const { key } = await stage.newPool();
    const headers = { authorization: `Bearer ${key}` };
    const asked: readonly (readonly [string, string, number])[] = [
      ["POST", "/openai/v1/images/generations", 404],
      ["POST", "/openai/v1/audio/speech", 404],
      ["POST", "/openai/v1/batches", 404],
      ["POST", "/openai/v1/completions", 404],
      ["POST", "/openai/v1/chat/completions/", 404],
      ["POST", "/openai//v1/chat/completions", 404],
      ["POST", "/openai/v1/%63hat/completions", 404],
      ["POST", "/openai/v1/../v1/files", 404],
      ["POST", "/anthropic/v1/messages/batches", 404],
      ["POST", "/anthropic/v1/complete", 404],
      ["GET", "/openai/v1/models/..%2f..%2ffiles", 404],
      ["GET", "/openai/v1/chat/completions", 405],
      ["DELETE", "/openai/v1/models/gpt-4o", 405],
      ["GET", "/openai", 404],
      ["GET", "/anthropic/", 404],
    ];
    for (const [method, path, status] of asked) {
      const response = await fetch(stage.url + path, { method, headers });
      expect([path, response.status]).toEqual([path, status]);
      expect(await response.json()).toMatchObject({ error: { message: expect.any(String) } });
    }
    expect(stage.provider.calls).toEqual([]);
  });
});

describe("a WebSocket in place of a call", () => {
  it("is 426, which tells a client to send the call as a POST", async () => {
    const { key } = await stage.newPool();
    const headers = { authorization: `Bearer ${key}`, connection: "upgrade", upgrade: "websocket" };
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const asked = get(`${stage.url}/openai/v1/responses`, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.on("error", reject);
    });
    expect(status).toBe(426);
    expect(stage.provider.calls).toEqual([]);
  });
});

describe("what can't be governed", () => {
  /** A body with one part of content, of one item of input. */
  const part = (content: object) => ({ messages: [{ role: "user", content: [content] }] });
  const input = (...items: object[]) => ({ input: items });
  const inPart = "/messages/0/content/0";
  const unsupported: readonly (readonly [DialectName, string, object])[] = [
    ["chat", "/model", { model: "gpt-4o-search-preview" }],
    ["chat", "/model", { model: "gpt-4o-audio-preview" }],
    ["chat", "/model", { model: "ft:gpt-4o-mini-tts:org::x" }],
    ["chat", "/audio", { audio: { voice: "alloy", format: "mp3" } }],
    ["chat", "/modalities", { modalities: ["text", "audio"] }],
    ["chat", "/web_search_options", { web_search_options: {} }],
    ["chat", "/best_of", { best_of: 5 }],
    ["chat", inPart, part({ type: "input_audio", input_audio: {} })],
    ["chat", "/messages/0/audio", { messages: [{ role: "assistant", audio: { id: "a" } }] }],
    ["responses", "/background", { background: true }],
    ["messages", "/context_management", { context_management: { edits: [{ type: "compact_20260112" }] } }],
    ["messages", "/thread", { thread: { type: "continue", previous_message_id: "m" } }],
    ["messages", "/workspace_id", { workspace_id: "theirs" }],
    ["messages", "/container", { container: { skills: [{ skill_id: "pdf" }] } }],
    ["messages", "/tools/0/type", { tools: [{ type: "advisor_20260301", name: "advisor" }] }],
  ];

  /** Known to cost tokens, or priced by use, or held flat: `unknown` is what is not known, and passes. */
  const passing: [DialectName, object, string?][] = [
    ["chat", { prediction: { type: "content", content: "x" } }],
    ["chat", { service_tier: "priority" }],
    ["chat", { moderation: {} }],
    ["chat", { plugins: [{ id: "web" }] }, "/plugins"],
    ["chat", { models: ["dear"] }, "/models"],
    ["chat", { "\u{1f600}\n": 1 }, "/???"],
    ["chat", { tools: [{ type: "function", function: { name: "f" } }, { type: "hover_board" }] }, "/tools/1/type"],
    ["chat", part({ type: "file", file: { file_id: "f" } })],
    ["responses", { previous_response_id: "resp_1" }],
    ["responses", { conversation: "conv_1" }],
    ["responses", { prompt: { id: "p" } }],
    ["responses", { context_management: [{ type: "compaction" }] }],
    ["responses", { tools: [{ type: "web_search" }] }],
    ["responses", { tools: [{ type: "image_generation" }] }],
    ["responses", { tools: [{ type: "file_search", vector_store_ids: ["v"] }] }],
    ["responses", { tools: [{ type: "mcp", server_url: "https://x" }] }],
    ["responses", input({ type: "item_reference", id: "msg_1" })],
    ["responses", input({ role: "user", content: [{ type: "input_file", file_url: "https://x" }] })],
    ["responses", input({ type: "agent_message", content: "done" })],
    ["messages", { mcp_servers: [{ type: "url", url: "https://x", name: "x" }] }],
    ["messages", { speed: "fast" }],
    ["messages", { inference_geo: "us" }],
    ["messages", { fallbacks: [{ model: "claude-fable-5" }] }, "/fallbacks"],
    ["messages", { tools: [{ type: "web_search_20250305", name: "web_search" }] }],
    ["messages", part({ type: "tool_addition", tool: { type: "tool_definition" } })],
    ["messages", part({ type: "server_tool_use", id: "s", name: "web_search", input: {} })],
    ["messages", part({ type: "document", source: { type: "url", url: "https://x" } })],
  ];

  it.each<[DialectName, object, string?]>(passing)("but not: %s with %j", async (dialect, body, unknown) => {
    const { pool, key } = await stage.newPool({ max_tokens: 1_000_000 });
    const response = await call(stage, key, dialect, "stand-in", { body });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-bursar-unknown-fields")).toBe(unknown ?? null);
    expect(stage.provider.requests.at(-1)).toMatchObject(body);
    expect(await settled(pool)).toMatchObject({ consumed: used, held: 0 });
    stage.provider.calls.length = 0;
  });

  it("where the pool says so, is any field that is not known", async () => {
    const { pool, key } = await stage.newPool({}, { unknown_fields: "refuse" });
    const response = await call(stage, key, "chat", "stand-in", { body: { plugins: [{ id: "web" }] } });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("/plugins is not known to this version of Bursar");
    expect(await books(pool)).toMatchObject({ consumed: 0, held: 0 });
    expect(stage.provider.calls).toEqual([]);
  });

  it.each(unsupported)("%s: %s", async (dialect, field, body) => {
    const { pool, key } = await stage.newPool();
    const response = await call(stage, key, dialect, "stand-in", { body });
    const said = (await response.json()) as { error: { bursar: { code: string; errors: { field: string }[] } } };
    expect([response.status, said.error.bursar.code, said.error.bursar.errors[0]?.field]).toEqual([
      400,
      "unsupported_feature",
      field,
    ]);
    expect(stage.provider.calls).toEqual([]);
    expect(await books(pool)).toMatchObject({ consumed: 0, held: 0 });
  });

  it.each([
    [
      "chat",
      {
        tools: [
          { type: "function", function: { name: "f", parameters: {} } },
          { type: "custom", custom: { name: "c" } },
        ],
      },
    ],
    ["chat", { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "https://x/y.png" } }] }] }],
    [
      "chat",
      {
        messages: [
          {
            role: "user",
            content: [{ type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AAAA" } }],
          },
        ],
      },
    ],
    ["chat", { service_tier: "flex", store: false, n: 2, modalities: ["text"], web_search_options: null }],
    ["responses", { tools: [{ type: "function", name: "f" }], background: false, previous_response_id: null }],
    [
      "messages",
      {
        tools: [
          { name: "f", input_schema: {} },
          { type: "bash_20250124", name: "bash" },
        ],
      },
    ],
    [
      "messages",
      { messages: [{ role: "user", content: [{ type: "image", source: { type: "url", url: "https://x" } }] }] },
    ],
    [
      "messages",
      { service_tier: "standard_only", thinking: { type: "enabled", budget_tokens: 1_024 }, max_tokens: 2_000 },
    ],
  ] as const)("and what can passes: %s %j", async (dialect, body) => {
    // A document that can't be read holds a million tokens.
    const { key } = await stage.newPool({ max_tokens: 2_000_000 });
    expect((await call(stage, key, dialect, "stand-in", { body })).status).toBe(200);
  });
});

/** Who has refused a body need not read it: Node may then see that the connection is closed before it sees the answer. */
async function sent(url: string, init: RequestInit): Promise<Response> {
  for (let tries = 0; ; tries++) {
    try {
      return await fetch(url, init);
    } catch (error) {
      if (tries >= 10) throw error;
    }
  }
}

describe("a body", () => {
  const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
  const plain = '"messages":[{"role":"user","content":"hi"}],"max_tokens":60';
  const bad: readonly (readonly [string, number, string])[] = [
    ["", 400, "/model"],
    ["{", 400, ""],
    ["[]", 400, ""],
    ["null", 400, ""],
    [`{"model":5,${plain}}`, 400, "/model"],
    [`{"model":"",${plain}}`, 400, "/model"],
    [`{"model":"a b",${plain}}`, 400, "/model"],
    [`{"model":"${"m".repeat(257)}",${plain}}`, 400, "/model"],
    [`{"model":"a","model":"b",${plain}}`, 400, "/model"],
    [`{"model":"stand-in","messages":[],"max_tokens":60,"max_tokens":1000000}`, 400, "/max_tokens"],
    [`{"model":"stand-in","messages":[],"max_tokens":-1}`, 400, "/max_tokens"],
    [`{"model":"stand-in","messages":[],"max_tokens":0}`, 400, "/max_tokens"],
    [`{"model":"stand-in","messages":[],"max_tokens":1.5}`, 400, "/max_tokens"],
    [`{"model":"stand-in","messages":[],"max_tokens":1e400}`, 400, "/max_tokens"],
    [`{"model":"stand-in","messages":[],"max_tokens":"60"}`, 400, "/max_tokens"],
    [`{"model":"stand-in","messages":[],"max_tokens":9007199254740993}`, 400, "/max_tokens"],
    [`{"model":"stand-in","n":1000000,${plain}}`, 400, "/n"],
    [`{"model":"stand-in","n":0,${plain}}`, 400, "/n"],
    [`{"model":"stand-in","stream":"yes",${plain}}`, 400, "/stream"],
    [`{"model":"stand-in","__proto__":{"stream":true},${plain}}`, 400, "/__proto__"],
    [`{"model":"stand-in","x":${nested(70)},${plain}}`, 400, "/x"],
    [`{"model":"stand-in","x":"${"A".repeat(11 * 1024 * 1024)}",${plain}}`, 413, ""],
  ];

  it.each(bad.map(([body, status, field]) => [body.slice(0, 60), status, field, body] as const))(
    "%s is refused: %i %s",
    async (_, status, field, body) => {
      const { pool, key } = await stage.newPool();
      const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
      const response = await sent(`${stage.url}/openai/v1/chat/completions`, { method: "POST", headers, body });
      const said = (await response.json()) as { error: { bursar: { errors?: { field: string }[] } } };
      expect([response.status, said.error.bursar.errors?.[0]?.field ?? ""]).toEqual([
        status,
        status === 413 ? "" : expect.stringContaining(field),
      ]);
      expect(stage.provider.calls).toEqual([]);
      expect(await books(pool)).toMatchObject({ consumed: 0, held: 0 });
    },
  );

  it("that is no JSON, or is compressed, is refused", async () => {
    const { key } = await stage.newPool();
    for (const headers of [{ "content-type": "text/plain" }, { "content-encoding": "gzip" }]) {
      expect((await call(stage, key, "chat", "stand-in", { headers })).status).toBe(415);
    }
    expect(stage.provider.calls).toEqual([]);
  });

  it("of a deep schema and a long prompt passes, and is bounded by all of it", async () => {
    const { pool, key } = await stage.newPool({ max_tokens: 10_000_000 });
    const tools = [{ type: "function", function: { name: "f", parameters: JSON.parse(nested(55)) } }];
    const messages = [{ role: "user", content: "word ".repeat(200_000) }];
    expect((await call(stage, key, "chat", "stand-in", { body: { messages, tools } })).status).toBe(200);
    const { events } = await pool.journal();
    expect(events.find(({ type }) => type === "reserved")).toMatchObject({ granted: expect.any(Number) });
    expect(Number(Object(events.find(({ type }) => type === "reserved")).granted)).toBeGreaterThan(150_000);
  });
});

describe("when the provider is not set up", () => {
  it("nothing is asked: without a key, or with an address in the clear", async () => {
    const bare = await startStage({ OPENAI_API_KEY: "", ANTHROPIC_UPSTREAM: "http://example.com" });
    try {
      const { key, pool } = await bare.newPool();
      expect((await call(bare, key, "chat", "stand-in")).status).toBe(401);
      const own = { "x-bursar-key": key, authorization: "Bearer sk-theirs" };
      expect((await call(bare, key, "chat", "stand-in", { headers: own })).status).toBe(200);
      expect((await call(bare, key, "messages", "stand-in")).status).toBe(503);
      expect(await books(pool)).toMatchObject({ held: 0 });
    } finally {
      await bare.stop();
    }
  });
});

describe("a secret that no header may hold", () => {
  it("costs nothing: the call is not made, its hold is given back, and the caller is told", async () => {
    const odd = await startStage({ OPENAI_API_KEY: "sk-of\nthe-worker" });
    try {
      const { pool, key } = await odd.newPool();
      const response = await call(odd, key, "chat", "stand-in");
      expect(response.status).toBe(502);
      expect(await response.json()).toMatchObject({ error: { bursar: { code: "upstream_failed" } } });
      expect(odd.provider.calls).toEqual([]);
      expect(await books(pool)).toMatchObject({ consumed: 0, held: 0, open: 0 });
    } finally {
      await odd.stop();
    }
  });
});
