/**
 * OpenAI's answers, and those of the many servers that speak its dialects. Its prompt count includes what was read from
 * the cache; its output count includes reasoning, though not with every server.
 */
import { type Answers, countersOf, isErrorIn, listOf, type Seen, textOrNone, textUnder } from "./answers.ts";
import type { Counts, Paths } from "./counts.ts";
import { fieldOf } from "./shape.ts";

/** Chat completions and responses name the same things differently, and servers mix the names. */
const paths: Paths = {
  input: ["prompt_tokens", "input_tokens"],
  output: ["completion_tokens", "output_tokens"],
  total: ["total_tokens"],
  // OpenAI; DeepSeek; Moonshot; Mistral; LiteLLM.
  cacheRead: [
    "prompt_tokens_details.cached_tokens",
    "input_tokens_details.cached_tokens",
    "prompt_cache_hit_tokens",
    "cached_tokens",
    "num_cached_tokens",
    "cache_read_input_tokens",
  ],
  cacheWrite: [
    "prompt_tokens_details.cache_write_tokens",
    "input_tokens_details.cache_write_tokens",
    "prompt_tokens_details.cache_creation_tokens",
    "prompt_tokens_details.cached_creation_tokens",
    "prompt_tokens_details.cache_creation_input_tokens",
    "cache_creation_input_tokens",
  ],
  // Relays before Anthropic.
  cacheWrite1h: [
    "prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",
    "cache_creation.ephemeral_1h_input_tokens",
    "claude_cache_creation_1_h_tokens",
  ],
  reasoning: [
    "completion_tokens_details.reasoning_tokens",
    "output_tokens_details.reasoning_tokens",
    "reasoning_tokens",
  ],
};

const counters = countersOf(paths);
/** Reads the report of any of OpenAI's answers, and adds it up. */
export const openAiReport = {
  read: (answer: unknown): Counts | undefined => counters.read(reportIn(answer)),
  usage: counters.usage,
};
const embeddingCounters = countersOf(paths, { isInputOnly: true });

/** Groq reports a stream's usage in a field of its own, Moonshot in the choice that finishes. */
function reportIn(event: unknown): unknown {
  const [choice] = listOf(fieldOf(event, "choices"));
  return fieldOf(event, "usage") ?? fieldOf(fieldOf(event, "x_groq"), "usage") ?? fieldOf(choice, "usage");
}

/** What any OpenAI answer says of itself. */
function about(answer: unknown): Pick<Seen, "counts" | "model" | "tier"> {
  return {
    counts: openAiReport.read(answer),
    model: textOrNone(fieldOf(answer, "model")),
    tier: textOrNone(fieldOf(answer, "service_tier")),
  };
}

export const chatAnswers: Answers = {
  event: (event) => {
    const choices = listOf(fieldOf(event, "choices"));
    const seen = about(event);
    // A chunk of usage alone comes when all is said, also from servers that say of no choice that it is over.
    const isReport = choices.length === 0 && seen.counts !== undefined;
    return {
      ...seen,
      text: choices.map((choice) => textUnder([fieldOf(choice, "delta"), fieldOf(choice, "text")])).join(""),
      isError: isErrorIn(event) || choices.some(isErrorIn),
      finished: isReport
        ? Number.POSITIVE_INFINITY
        : choices.filter((choice) => typeof fieldOf(choice, "finish_reason") === "string").length,
    };
  },
  whole: (body) => {
    const choices = listOf(fieldOf(body, "choices"));
    return {
      ...about(body),
      text: choices.map((choice) => textUnder([fieldOf(choice, "message"), fieldOf(choice, "text")])).join(""),
      isError: isErrorIn(body),
      finished: choices.length,
    };
  },
  usage: counters.usage,
};

export const embeddingAnswers: Answers = {
  event: () => ({}),
  whole: (body) => ({
    ...about(body),
    counts: embeddingCounters.read(reportIn(body)),
    isError: isErrorIn(body),
    finished: listOf(fieldOf(body, "data")).length > 0 ? 1 : 0,
  }),
  usage: embeddingCounters.usage,
};

const endings = ["response.completed", "response.incomplete", "response.failed", "response.cancelled"];

/** A response as it stands: what it has come to so far, and whether it failed. */
function response(body: unknown): Seen {
  const status = fieldOf(body, "status");
  const output = listOf(fieldOf(body, "output"));
  return {
    ...about(body),
    text: textUnder(output),
    toolUses: output.length === 0 ? undefined : toolUsesIn(output),
    ids: [fieldOf(body, "id"), ...output.map((item) => fieldOf(item, "id"))].filter((id) => typeof id === "string"),
    isError: isErrorIn(body) || status === "failed" || status === "cancelled",
    finished: output.length > 0 ? 1 : 0,
  };
}

/** Items that are the use of a tool that the provider runs, by what its price is listed as. */
function toolOf(item: unknown): string | undefined {
  const type = fieldOf(item, "type");
  const [, name] =
    typeof type === "string"
      ? (/^(web_search|file_search|code_interpreter|image_generation)_call$/.exec(type) ?? [])
      : [];
  // Opening a page that a search has found is no search.
  const action = fieldOf(fieldOf(item, "action"), "type");
  return name === "web_search" && action !== undefined && action !== "search" ? undefined : name;
}

function toolUsesIn(items: readonly unknown[]): Record<string, number> {
  const uses: Record<string, number> = {};
  for (const name of items.map(toolOf)) if (name !== undefined) uses[name] = (uses[name] ?? 0) + 1;
  return uses;
}

export const responsesAnswers: Answers = {
  event: (event) => {
    const type = fieldOf(event, "type");
    const held = fieldOf(event, "response");
    if (typeof type === "string" && endings.includes(type)) {
      // The deltas have delivered its text already.
      return { ...response(held), text: "", finished: 1, isLast: true };
    }
    const { model, tier } = about(held);
    const item = fieldOf(event, "item");
    const isDone = type === "response.output_item.done";
    const id = isDone ? fieldOf(item, "id") : fieldOf(held, "id");
    return {
      model,
      tier,
      text: textUnder(fieldOf(event, "delta")),
      used: isDone ? toolOf(item) : undefined,
      ids: typeof id === "string" ? [id] : [],
      isError: isErrorIn(event),
    };
  },
  whole: response,
  usage: counters.usage,
};
