/** Gemini's answers. Its prompt count includes the cache; thoughts, and what tools put in, are counted apart. */
import {
  type Answers,
  countersOf,
  isErrorIn,
  listOf,
  nothingSeen,
  type Seen,
  textOrNone,
  textUnder,
} from "./answers.ts";
import { type Counts, mergeCounts, type Reported, usageFrom } from "./counts.ts";
import { fieldOf } from "./shape.ts";

const counters = countersOf({
  input: ["promptTokenCount"],
  toolPrompt: ["toolUsePromptTokenCount"],
  output: ["candidatesTokenCount", "responseTokenCount"],
  reasoning: ["thoughtsTokenCount"],
  total: ["totalTokenCount"],
  cacheRead: ["cachedContentTokenCount"],
});

/** The Interactions API says the same by other names. */
const interaction = countersOf({
  input: ["total_input_tokens"],
  toolPrompt: ["total_tool_use_tokens"],
  output: ["total_output_tokens"],
  reasoning: ["total_thought_tokens"],
  total: ["total_tokens"],
  cacheRead: ["total_cached_tokens"],
});

/** Reads the report of a response, and adds it up. */
export const geminiReport = {
  read: (response: unknown): Counts | undefined =>
    counters.read(fieldOf(response, "usageMetadata")) ?? interaction.read(fieldOf(response, "usage")),
  usage: ({ toolPrompt = 0, ...counts }: Counts): Reported => {
    const { input, output, reasoning } = counts;
    return usageFrom({
      ...counts,
      ...(input === undefined ? undefined : { input: input + toolPrompt }),
      ...(output === undefined && reasoning === undefined ? undefined : { output: (output ?? 0) + (reasoning ?? 0) }),
    });
  },
};

function answer(body: unknown): Seen {
  const candidates = listOf(fieldOf(body, "candidates"));
  return {
    counts: geminiReport.read(body),
    text: textUnder(candidates.map((candidate) => fieldOf(fieldOf(candidate, "content"), "parts"))),
    model: textOrNone(fieldOf(body, "modelVersion")),
    tier: tierOf(fieldOf(body, "usageMetadata")),
    isError: isErrorIn(body),
    finished: candidates.filter((candidate) => typeof fieldOf(candidate, "finishReason") === "string").length,
  };
}

/** Vertex names the kind of traffic, and the Gemini API the tier. */
function tierOf(usage: unknown): string | undefined {
  const [, traffic] = /^ON_DEMAND_(\w+)$/.exec(String(fieldOf(usage, "trafficType"))) ?? [];
  return traffic?.toLowerCase() ?? textOrNone(fieldOf(usage, "serviceTier"))?.toLowerCase();
}

/** A stream that was not asked for as events is a list of its parts. */
function whole(body: unknown): Seen {
  return !Array.isArray(body)
    ? answer(body)
    : body.map(answer).reduce(
        (all, part) => ({
          counts: all.counts && part.counts ? mergeCounts(all.counts, part.counts) : (part.counts ?? all.counts),
          text: `${all.text ?? ""}${part.text ?? ""}`,
          model: part.model ?? all.model,
          tier: part.tier ?? all.tier,
          isError: all.isError === true || part.isError === true,
          finished: (all.finished ?? 0) + (part.finished ?? 0),
        }),
        nothingSeen,
      );
}

export const geminiAnswers: Answers = {
  event: answer,
  whole,
  usage: geminiReport.usage,
};
