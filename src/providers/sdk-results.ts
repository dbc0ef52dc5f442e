/**
 * What SDKs and agent frameworks give back, told apart by shape: a governed function may return any of them, and its
 * name says nothing. Where the dialect of a call is known, that dialect alone is read, not this.
 */
import { aiSdkAnswers, camelCounters } from "./ai-sdk-answers.ts";
import { type Answers, countersOf, listOf, textUnder } from "./answers.ts";
import { messageReport, messagesAnswers } from "./anthropic-answers.ts";
import type { Reported } from "./counts.ts";
import { geminiAnswers, geminiReport } from "./gemini-answers.ts";
import { chatAnswers, embeddingAnswers, openAiReport, responsesAnswers } from "./openai-answers.ts";
import { fieldOf, totalOf, type Usage } from "./shape.ts";

/** The usage that `result`, or an error, reports; undefined if it reports none. A reported zero is a zero. */
export function usageOf(result: unknown): Usage | undefined {
  // LlamaIndex, and others, keep the provider's answer beside their own.
  for (const answer of [result, fieldOf(result, "raw"), fieldOf(result, "response")]) {
    for (const read of readers) {
      const reported = read(answer);
      if (reported?.isComplete) return reported.usage;
    }
  }
  return undefined;
}

/** How the events of a stream are read, by one of them; undefined for one that no known stream has. */
export function answersOfEvent(event: unknown): Answers | undefined {
  const type = fieldOf(event, "type");
  if (Array.isArray(fieldOf(event, "choices"))) return chatAnswers;
  if (fieldOf(event, "usageMetadata") !== undefined || Array.isArray(fieldOf(event, "candidates")))
    return geminiAnswers;
  if (fieldOf(event, "usage_metadata") !== undefined || fieldOf(event, "lc_namespace") !== undefined)
    return messageChunks;
  if (typeof type !== "string") return undefined;
  if (type.startsWith("response.")) return responsesAnswers;
  if (/^(message|content_block)_/.test(type)) return messagesAnswers;
  return /^(finish|stream-start|start|start-step|response-metadata)$|-delta$/.test(type) ? aiSdkAnswers : undefined;
}

/** How a whole answer is read, if it is one of a provider's; undefined for any other result. */
export function answersOfResult(result: unknown): Answers | undefined {
  if (Array.isArray(fieldOf(result, "choices"))) return chatAnswers;
  if (fieldOf(result, "object") === "response" && Array.isArray(fieldOf(result, "output"))) return responsesAnswers;
  if (fieldOf(result, "type") === "message" && Array.isArray(fieldOf(result, "content"))) return messagesAnswers;
  if (fieldOf(result, "usageMetadata") !== undefined || Array.isArray(fieldOf(result, "candidates")))
    return geminiAnswers;
  return fieldOf(result, "object") === "list" && Array.isArray(fieldOf(result, "data")) ? embeddingAnswers : undefined;
}

type Read = (result: unknown) => Reported | undefined;

const reading =
  (
    { read, usage }: Pick<ReturnType<typeof countersOf>, "read" | "usage">,
    holder: (result: unknown) => unknown,
  ): Read =>
  (result) => {
    const counts = read(holder(result));
    return counts === undefined ? undefined : usage(counts);
  };

const at =
  (...names: readonly string[]) =>
  (result: unknown): unknown =>
    names.reduce((value, name) => fieldOf(value, name), result);

/** LangChain's messages. Their counts include what was cached and what was reasoned. */
const langChain = countersOf({
  input: ["usage_metadata.input_tokens"],
  output: ["usage_metadata.output_tokens"],
  total: ["usage_metadata.total_tokens"],
  cacheRead: ["usage_metadata.input_token_details.cache_read"],
  cacheWrite: ["usage_metadata.input_token_details.cache_creation"],
  cacheWrite1h: ["response_metadata.usage.cache_creation.ephemeral_1h_input_tokens"],
  reasoning: ["usage_metadata.output_token_details.reasoning"],
});

/** Bedrock's Converse. Its input is without what was read from the cache and written to it. */
const converse = countersOf(
  {
    input: ["inputTokens"],
    output: ["outputTokens"],
    total: ["totalTokens"],
    cacheRead: ["cacheReadInputTokens"],
    cacheWrite: ["cacheWriteInputTokens"],
    cacheWrite1h: ["hour.inputTokens"],
  },
  { isInputPlain: true },
);

const ollama = countersOf({ input: ["prompt_eval_count"], output: ["eval_count"] });
const cohere = countersOf({
  input: ["tokens.input_tokens", "tokens.inputTokens", "billed_units.input_tokens", "billedUnits.inputTokens"],
  output: ["tokens.output_tokens", "tokens.outputTokens", "billed_units.output_tokens", "billedUnits.outputTokens"],
  cacheRead: ["cached_tokens", "cachedTokens"],
});

/** Calls that write nothing: the AI SDK's `embed`, Ollama's embeddings, a list of embeddings with a total only. */
const embedded = countersOf(
  { input: ["usage.tokens", "prompt_eval_count"], total: ["usage.total_tokens"] },
  { isInputOnly: true },
);

/** The sum of several reports; undefined unless there is one at least. */
function summed(reports: readonly (Reported | undefined)[]): Reported | undefined {
  const found = reports.filter((report) => report !== undefined);
  if (found.length === 0) return undefined;
  const usage = found
    .map((report) => report.usage)
    .reduce((sum, one) => ({
      input: sum.input + one.input,
      output: sum.output + one.output,
      cacheRead: sum.cacheRead + one.cacheRead,
      cacheWrite: sum.cacheWrite + one.cacheWrite,
      reasoning: sum.reasoning + one.reasoning,
    }));
  return { usage, isComplete: found.every(({ isComplete }) => isComplete) };
}

const ofMessage = reading(langChain, itself);
const ofCamel = reading(camelCounters, (result) => at("totalUsage")(result) ?? at("usage")(result));

/** In the order of asking: what says most of itself comes first. */
const readers: readonly Read[] = [
  ofRun,
  // An agent of LangChain or LangGraph: its messages, of which those of a model report.
  (result) => summed(listOf(at("messages")(result)).map(ofMessage)),
  (result) => (isConverse(at("usage")(result)) ? reading(converse, withHour)(result) : undefined),
  (result) => (isEmbedded(result) ? reading(embedded, itself)(result) : undefined),
  // Its total alone would be read as another's.
  (result) =>
    at("usage", "total_input_tokens")(result) === undefined ? undefined : reading(geminiReport, itself)(result),
  ofCamel,
  reading(openAiReport, (result) => (isAnthropic(at("usage")(result)) ? undefined : result)),
  reading(messageReport, itself),
  ofMessage,
  reading(geminiReport, itself),
  reading(ollama, itself),
  reading(cohere, at("usage")),
  reading(cohere, at("meta")),
  // LangChain, where a message or an output keeps the report of its provider.
  reading(camelCounters, at("response_metadata", "tokenUsage")),
  reading(messageReport, at("response_metadata")),
  reading(camelCounters, at("llmOutput", "tokenUsage")),
];

/**
 * OpenAI's Agents SDK: a report for each response of the run's own model, and the sum in its state. The sum has the
 * runs of agents that were called as tools, too; the reports have the cached tokens apart.
 */
function ofRun(result: unknown): Reported | undefined {
  const own = summed(listOf(at("rawResponses")(result)).map(ofCamel));
  if (own === undefined) return undefined;
  const all = ofCamel(at("state")(result)) ?? ofCamel(at("runContext")(result));
  return all !== undefined && totalOf(all.usage) > totalOf(own.usage) ? all : own;
}

function isConverse(usage: unknown): boolean {
  return ["cacheReadInputTokens", "cacheWriteInputTokens"].some((name) => fieldOf(usage, name) !== undefined);
}

/** Converse's report, and beside it what of it was written for an hour. */
function withHour(result: unknown): object {
  const usage = fieldOf(result, "usage");
  const hour = listOf(fieldOf(usage, "cacheDetails")).find((part) => fieldOf(part, "ttl") === "1h");
  return { ...(usage as object), hour };
}

function isEmbedded(result: unknown): boolean {
  const [first] = listOf(fieldOf(result, "data"));
  return (
    ["embedding", "embeddings"].some((name) => fieldOf(result, name) !== undefined) ||
    fieldOf(first, "embedding") !== undefined
  );
}

/** Anthropic's counts have the names of OpenAI's responses, and are without the cache. */
function isAnthropic(usage: unknown): boolean {
  return (
    fieldOf(usage, "prompt_tokens") === undefined &&
    ["cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation", "iterations"].some(
      (name) => fieldOf(usage, name) !== undefined,
    )
  );
}

function itself(result: unknown): unknown {
  return result;
}

/** The chunks of a LangChain stream. */
const messageChunks: Answers = {
  event: (chunk) => ({
    counts: langChain.read(chunk),
    text: textUnder(fieldOf(chunk, "content")) + textUnder(listOf(fieldOf(chunk, "tool_call_chunks"))),
  }),
  whole: (message) => ({ counts: langChain.read(message) }),
  usage: langChain.usage,
};
