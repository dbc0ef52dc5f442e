/**
 * Meters a stream of a model's answer: the usage that it reports, and the text that it delivered, which is what can
 * be booked when the report never comes.
 */
import { estimateTokens } from "./estimate.ts";
import { fieldOf } from "./shape.ts";
import { totalOf, type Usage, usageOf } from "./usage.ts";

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
    usage: reported?.usage ?? meter.usage,
    isFinal: meter.isFinal || (reported?.isFinal ?? false),
    delivered: text === "" ? meter.delivered : meter.delivered + estimateTokens(text),
  };
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
      const output = Number(fieldOf(fieldOf(event, "usage"), "output_tokens"));
      const before = usageOf(event) ?? meter.usage;
      return before === undefined || !Number.isSafeInteger(output)
        ? undefined
        : { usage: { ...inputOf(meter, before), output }, isFinal: true };
    }
    // OpenAI's responses: the whole response comes with its last event.
    case "response.completed":
    case "response.incomplete":
    case "response.failed": {
      const usage = usageOf(fieldOf(event, "response"));
      return usage === undefined ? undefined : { usage, isFinal: true };
    }
    // The AI SDK's last part.
    case "finish": {
      const usage = usageOf(event);
      return usage === undefined ? undefined : { usage, isFinal: true };
    }
    default: {
      // OpenAI's chat completions: the chunk after the last choice, if it was asked for.
      const usage = usageOf(event);
      return usage === undefined ? undefined : { usage, isFinal: true };
    }
  }
}

/** A delta that repeats the input, without what the start said of the cache, must not lose it. */
function inputOf(meter: Meter, usage: Usage): Usage {
  return meter.usage !== undefined && meter.usage.input > usage.input ? meter.usage : usage;
}

/** The text that an event delivers, whoever's it is; thinking and tool arguments are billed as output, too. */
function textIn(event: unknown): string {
  const delta = fieldOf(event, "delta");
  if (typeof delta === "string") return delta;
  const anthropic = ["text", "partial_json", "thinking"].map((name) => fieldOf(delta, name));
  const choices = fieldOf(event, "choices");
  const openAi = Array.isArray(choices)
    ? choices.flatMap((choice) => {
        const part = fieldOf(choice, "delta");
        const calls = fieldOf(part, "tool_calls");
        const names = ["content", "reasoning", "reasoning_content", "refusal"].map((name) => fieldOf(part, name));
        const text = fieldOf(choice, "text");
        const args = Array.isArray(calls) ? calls.map((call) => fieldOf(fieldOf(call, "function"), "arguments")) : [];
        return [...names, text, ...args];
      })
    : [];
  // The AI SDK's text parts in its previous specification.
  const part = fieldOf(event, "textDelta");
  return [...anthropic, ...openAi, part].filter((text) => typeof text === "string").join("");
}
