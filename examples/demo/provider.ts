/**
 * A stand-in for a provider of language models: speaks OpenAI's chat completions and reports usage. Its "model"
 * answers with sentences of the prompt that share words with the question, and says how many of the question's words
 * it found: enough to make agents spend real numbers of tokens and grow sure of themselves.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { estimateTokens } from "../../src/providers/estimate.ts";

export type Provider = {
  readonly url: string;
  /** Calls answered so far. */
  readonly calls: () => number;
  stop(): void;
};

type Request = {
  readonly model: string;
  readonly max_tokens: number;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
};

export type Completion = {
  readonly choices: readonly { readonly message: { readonly content: string } }[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number; readonly total_tokens: number };
};

/** Listens on a free port. Every answer takes about `latencyMs`. */
export async function startProvider(latencyMs: number): Promise<Provider> {
  let calls = 0;
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      calls++;
      const answer = JSON.stringify(complete(JSON.parse(body)));
      setTimeout(() => response.writeHead(200, { "content-type": "application/json" }).end(answer), latencyMs);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/v1`, calls: () => calls, stop: () => void server.close() };
}

function complete({ messages, max_tokens }: Request): Completion & { readonly object: string } {
  const question = messages.find(({ role }) => role === "user")?.content ?? "";
  const text = messages.map(({ content }) => content).join("\n");
  const asked = wordsOf(question.split("\n", 1)[0] ?? "");
  const sources = text.slice(question.indexOf("\n") + 1);
  const found = [...asked].filter((word) => wordsOf(sources).has(word));
  const sure = asked.size === 0 ? 0 : found.length / asked.size;
  const sentences = sources.split(/(?<=[.:;])\s+/).filter((sentence) => found.some((word) => sentence.includes(word)));
  let content = `Confidence ${sure.toFixed(2)}.`;
  for (const sentence of sentences) {
    if (estimateTokens(`${content} ${sentence}`) > max_tokens) break;
    content += ` ${sentence}`;
  }
  const [prompt_tokens, completion_tokens] = [estimateTokens(text), estimateTokens(content)];
  return {
    object: "chat.completion",
    choices: [{ message: { content } }],
    usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens },
  };
}

function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[a-z]{5,}/g) ?? []);
}
