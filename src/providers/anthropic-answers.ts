/**
 * Anthropic's answers, and those of the relays and other models behind its dialect. Its input count excludes what was
 * read from the cache and what was written to it.
 */
import { type Answers, countersOf, isErrorIn, listOf, type Seen, textOrNone, textUnder } from "./answers.ts";
import type { Counts } from "./counts.ts";
import { countOf, fieldOf } from "./shape.ts";

const counters = countersOf(
  {
    input: ["input_tokens"],
    output: ["output_tokens", "completion_tokens"],
    total: ["total_tokens"],
    cacheRead: ["cache_read_input_tokens"],
    cacheWrite: ["cache_creation_input_tokens"],
    cacheWrite1h: ["cache_creation.ephemeral_1h_input_tokens"],
    reasoning: ["output_tokens_details.thinking_tokens"],
  },
  { isInputPlain: true },
);

/** Of relays that count a prompt as OpenAI does, its cached part included, and nothing else. */
const relayed = countersOf({ input: ["prompt_tokens"], cacheRead: ["prompt_tokens_details.cached_tokens"] });

/** Reads the report of a message, and adds it up. */
export const messageReport = {
  read: (message: unknown): Counts | undefined => countsOf(fieldOf(message, "usage")),
  usage: counters.usage,
};

const shortWrites = countersOf({ cacheWrite: ["cache_creation.ephemeral_5m_input_tokens"] });

/** The counters of a report; where it has the parts of what was written to the cache only, their sum. */
function ownCounts(usage: unknown): Counts | undefined {
  const counts = counters.read(usage);
  if (counts === undefined || counts.cacheWrite !== undefined) return counts;
  const short = shortWrites.read(usage)?.cacheWrite;
  const { cacheWrite1h } = counts;
  return short === undefined && cacheWrite1h === undefined
    ? counts
    : { ...counts, cacheWrite: (short ?? 0) + (cacheWrite1h ?? 0) };
}

function countsOf(usage: unknown): Counts | undefined {
  const counts = ownCounts(usage);
  const prompt = relayed.read(usage);
  if (counts?.input !== undefined || prompt?.input === undefined) return withIterations(counts, usage);
  const cacheRead = counts?.cacheRead ?? prompt.cacheRead ?? 0;
  return { ...counts, cacheRead, input: Math.max(0, prompt.input - cacheRead - (counts?.cacheWrite ?? 0)) };
}

/** Where one request took several samplings, such as a compaction, each is billed and only `iterations` has them all. */
function withIterations(counts: Counts | undefined, usage: unknown): Counts | undefined {
  const all = listOf(fieldOf(usage, "iterations")).flatMap((one) => ownCounts(one) ?? []);
  if (counts === undefined || all.length === 0) return counts;
  const sum = (name: keyof Counts): number => all.reduce((before, one) => before + (one[name] ?? 0), 0);
  const names = ["input", "output", "cacheRead", "cacheWrite", "cacheWrite1h"] as const;
  const sums = names.map((name) => [name, Math.max(sum(name), counts[name] ?? 0)] as const);
  return { ...counts, ...Object.fromEntries(sums.filter(([, value]) => value > 0)) };
}

/** The tier or the region of the two that changes the price. */
function tierOf(usage: unknown): string | undefined {
  const [speed, region] = [fieldOf(usage, "speed"), fieldOf(usage, "inference_geo")];
  if (speed === "fast") return "fast";
  return region === "us" ? "us" : textOrNone(fieldOf(usage, "service_tier"));
}

/** `server_tool_use` counts the requests of each tool: `web_search_requests` and the like. */
function toolUsesIn(usage: unknown): Record<string, number> | undefined {
  const uses = fieldOf(usage, "server_tool_use");
  if (typeof uses !== "object" || uses === null) return undefined;
  const counted = Object.keys(uses).flatMap((name) => {
    const count = countOf(uses, name);
    // The names are journaled: those of no tool that could be meant are left out.
    return !/^[a-z_]{1,40}$/.test(name) || count === undefined || count === 0
      ? []
      : [[name.replace(/_requests$/, ""), count] as const];
  });
  return counted.length === 0 ? undefined : Object.fromEntries(counted.slice(0, 8));
}

function message(body: unknown): Seen {
  const usage = fieldOf(body, "usage");
  return {
    counts: countsOf(usage),
    text: textUnder(listOf(fieldOf(body, "content"))),
    model: textOrNone(fieldOf(body, "model")),
    tier: tierOf(usage),
    toolUses: toolUsesIn(usage),
    isError: isErrorIn(body),
    finished: typeof fieldOf(body, "stop_reason") === "string" ? 1 : 0,
  };
}

export const messagesAnswers: Answers = {
  event: (event) => {
    switch (fieldOf(event, "type")) {
      case "message_start": {
        const { counts, ...seen } = message(fieldOf(event, "message"));
        // Its output is a placeholder: what comes out is reported at the end.
        const { output: _, ...input } = counts ?? {};
        return { ...seen, counts: counts === undefined ? undefined : input };
      }
      case "content_block_start":
        return { text: textUnder(fieldOf(event, "content_block")) };
      case "content_block_delta":
        return { text: textUnder(fieldOf(event, "delta")) };
      case "message_delta": {
        const usage = fieldOf(event, "usage");
        const stopped = typeof fieldOf(fieldOf(event, "delta"), "stop_reason") === "string";
        return { counts: countsOf(usage), tier: tierOf(usage), toolUses: toolUsesIn(usage), finished: stopped ? 1 : 0 };
      }
      case "message_stop":
        // Some relays put the last report here.
        return { counts: countsOf(fieldOf(event, "usage")), isLast: true, finished: 1 };
      default:
        return { isError: isErrorIn(event) };
    }
  },
  whole: message,
  usage: counters.usage,
};
