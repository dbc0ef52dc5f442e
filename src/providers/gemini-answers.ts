/** Gemini's answers. Its prompt count includes the cache; thoughts, and what tools put in, are counted apart. */
import { type Answers, countersOf, isErrorIn, listOf, type Seen, textOrNone, textUnder } from "./answers.ts";
import { type Counts, type Reported, usageFrom } from "./counts.ts";
import { fieldOf } from "./shape.ts";

const counters = countersOf({
  input: ["promptTokenCount"],
  toolPrompt: ["toolUsePromptTokenCount"],
  output: ["candidatesTokenCount", "responseTokenCount"],
  reasoning: ["thoughtsTokenCount"],
  total: ["totalTokenCount"],
  cacheRead: ["cachedContentTokenCount"],
});

/** Reads the report of a response, and adds it up. */
export const geminiReport = {
  read: (response: unknown): Counts | undefined => counters.read(fieldOf(response, "usageMetadata")),
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
    isError: isErrorIn(body),
    finished: candidates.filter((candidate) => typeof fieldOf(candidate, "finishReason") === "string").length,
  };
}

export const geminiAnswers: Answers = {
  event: answer,
  whole: answer,
  usage: geminiReport.usage,
};
