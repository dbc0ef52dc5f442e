/**
 * The gateway before a stand-in that somebody else wrote, `@copilotkit/aimock`, lest ours and the gateway share one
 * misunderstanding of the dialects. It reports the usage that its fixtures set.
 */

import Anthropic from "@anthropic-ai/sdk";
import { LLMock } from "@copilotkit/aimock";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, it } from "vitest";
import { eventsOf, type Stage, settled, startStage } from "./stage.ts";

const mock = new LLMock({ port: 0 });
let stage: Stage;
beforeAll(async () => {
  const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18, input_tokens: 11, output_tokens: 7 };
  mock.onMessage(/./, { content: "The governor keeps what is left.", usage });
  const url = await mock.start();
  stage = await startStage({ OPENAI_UPSTREAM: `${url}/v1`, ANTHROPIC_UPSTREAM: url });
}, 90_000);
afterAll(async () => {
  await stage?.stop();
  await mock.stop();
});

const ask = { max_tokens: 60, messages: [{ role: "user" as const, content: "hello" }] };

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** What ids and times say of the moment is no part of the answer. */
function timeless(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (name, one: unknown) =>
      /^(id|created|created_at|completed_at|item_id|system_fingerprint)$/.test(name) ? undefined : one,
    ),
  );
}

it.each([
  ["openai, chat", (sdk: OpenAI) => sdk.chat.completions.create({ ...ask, model: "gpt-4o" })],
  [
    "openai, chat, streamed",
    async (sdk: OpenAI) => all(await sdk.chat.completions.create({ ...ask, model: "gpt-4o", stream: true })),
  ],
  [
    "openai, responses, streamed",
    async (sdk: OpenAI) =>
      all(await sdk.responses.create({ model: "gpt-4o", input: "hello", max_output_tokens: 60, stream: true })),
  ],
  [
    "openai, responses",
    (sdk: OpenAI) => sdk.responses.create({ model: "gpt-4o", input: "hello", max_output_tokens: 60 }),
  ],
  ["anthropic, messages", (_: OpenAI, sdk: Anthropic) => sdk.messages.create({ ...ask, model: "claude-haiku-4-5" })],
  [
    "anthropic, messages, streamed",
    async (_: OpenAI, sdk: Anthropic) =>
      all(await sdk.messages.create({ ...ask, model: "claude-haiku-4-5", stream: true })),
  ],
] as const)("%s: the same answer, and the usage that it reports", async (_, run) => {
  const { pool, key } = await stage.newPool();
  const { url } = stage;
  const sdks = (openai: string, anthropic: string, apiKey: string) =>
    [new OpenAI({ baseURL: openai, apiKey }), new Anthropic({ baseURL: anthropic, apiKey })] as const;
  const through = await run(...sdks(`${url}/openai/v1`, `${url}/anthropic`, key));
  const direct = await run(...sdks(`${mock.url}/v1`, mock.url, "sk-direct"));
  expect(timeless(through)).toEqual(timeless(direct));
  const { consumed, held } = await settled(pool);
  const [committed] = await eventsOf(pool, "committed");
  expect({ consumed, held }).toEqual({ consumed: 18, held: 0 });
  expect(committed?.usage).toMatchObject({ input: 11, output: 7 });
  expect(committed?.usage).not.toHaveProperty("estimated");
});
