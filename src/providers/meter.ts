/**
 * Meters a stream of a model's answer: the usage that it reports, and the text that it delivered, which is what can
 * be booked when the report never comes.
 */
import { estimateTokens } from "./estimate.ts";
import { countOf, fieldOf, type Usage } from "./shape.ts";
import { totalOf, usageOf } from "./usage.ts";

export type Meter = {
  /** As last reported; providers report cumulative counts. */
  readonly usage: Usage | undefined;
  /** Whether the report is the last one: an early one says nothing of the output to come. */
  readonly isFinal: boolean;
  /** Estimated tokens of the text delivered so far. */
  readonly delivered: number;
};

export const newMeter: Meter = { usage: undefined, isFinal: false, delivered: 0 };

/** The meter after one more event (or chunk, as the SDKs give them) of the stream. */
export function metered(meter: Meter, event: unknown): Meter {
  const reported = reportedBy(meter, event);
  const text = textIn(event);
  return {
    usage: higher(meter.usage, reported?.usage),
    isFinal: meter.isFinal || (reported?.isFinal ?? false),
    delivered: text === "" ? meter.delivered : meter.delivered + estimateTokens(text),
  };
}

/**
 * Reports are cumulative: one that says less than the one before says nothing new. A last one that repeats the input,
 * without what the first said of the cache, must not lose that.
 */
function higher(before: Usage | undefined, now: Usage | undefined): Usage | undefined {
  if (before === undefined || now === undefined) return now ?? before;
  const output = Math.max(before.output, now.output);
  return now.input >= before.input ? { ...now, output } : { ...before, output };
}

/** What was used: the report, or where it never came an estimate of what went in and what was delivered. */
export function usedBy({ usage, isFinal, delivered }: Meter, promptTokens: number): Usage {
  if (usage === undefined) return { input: promptTokens, output: delivered, cacheRead: 0, cacheWrite: 0, reasoning: 0 };
  return isFinal ? usage : { ...usage, output: Math.max(usage.output, delivered) };
}

/** What to book, in tokens. */
export function settled(meter: Meter, promptTokens: number): number {
  return totalOf(usedBy(meter, promptTokens));
}

type Report = { readonly usage: Usage; readonly isFinal: boolean };

function reportedBy(meter: Meter, event: unknown): Report | undefined {
  switch (fieldOf(event, "type")) {
    // Anthropic: the input comes first, the output at the end, each cumulative.
    case "message_start": {
      const usage = usageOf(fieldOf(event, "message"));
      return usage === undefined ? undefined : { usage, isFinal: false };
    }
    case "message_delta": {
      const output = countOf(fieldOf(event, "usage"), "output_tokens");
      const before = usageOf(event) ?? meter.usage;
      return before === undefined || output === undefined ? undefined : { usage: { ...before, output }, isFinal: true };
    }
    // What an error says of its use is not what the answer used.
    case "error":
      return undefined;
    // OpenAI's responses: the whole response comes with its last event.
    case "response.completed":
    case "response.incomplete":
    case "response.failed": {
      const usage = usageOf(fieldOf(event, "response"));
      return usage === undefined ? undefined : { usage, isFinal: true };
    }
    default: {
      // The AI SDK's last part; and of OpenAI's chat completions the chunk after the last choice, if it was asked for.
      // Some that speak its dialect report in every chunk; what they say before the end is not the last of it.
      const usage = usageOf(event);
      return usage === undefined ? undefined : { usage, isFinal: !isInterim(event) };
    }
  }
}

function isInterim(event: unknown): boolean {
  const choices = fieldOf(event, "choices");
  return (
    Array.isArray(choices) &&
    choices.length > 0 &&
    choices.every((choice) => typeof fieldOf(choice, "finish_reason") !== "string")
  );
}

/**
 * The text that an event delivers, in any dialect: all that stands under its delta, because thinking, refusals and
 * the arguments of tools are billed as output, too, and the next kind will come with a new name.
 */
function textIn(event: unknown): string {
  const choices = fieldOf(event, "choices");
  const deltas = Array.isArray(choices)
    ? choices.flatMap((choice) => [fieldOf(choice, "delta"), fieldOf(choice, "text")])
    : [fieldOf(event, "delta")];
  // The AI SDK's text parts in its previous specification.
  return [...deltas, fieldOf(event, "textDelta")].map((delta) => textUnder(delta)).join("");
}

/** Fields that name, mark or repeat, and are not billed. */
const silent = new Set([
  "type",
  "id",
  "role",
  "signature",
  "index",
  "stop_reason",
  "stop_sequence",
  "logprobs",
  "obfuscation",
]);

function textUnder(value: unknown, depth = 6): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null || depth === 0) return "";
  return Object.entries(value)
    .map(([name, item]) => (silent.has(name) ? "" : textUnder(item, depth - 1)))
    .join("");
}
