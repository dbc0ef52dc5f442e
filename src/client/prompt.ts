/** Estimates a call before it is made: the tokens of what goes in, and the limit on what comes out. */
import { estimateTokens } from "../providers/estimate.ts";
import { countOf } from "../providers/shape.ts";

/** How the SDKs name the limit on a call's output. */
const limitNames = ["max_completion_tokens", "max_output_tokens", "max_tokens", "maxOutputTokens", "maxTokens"];

/** Tokens of the arguments, and the output limit that one of them names, or `otherwise`. */
export function estimateCall(args: readonly unknown[], otherwise: number): number {
  const limit = args
    .flatMap((arg) => limitNames.map((name) => countOf(arg, name)))
    .find((count) => count !== undefined);
  return args.reduce<number>((sum, arg) => sum + estimateTokens(textOf(arg)), limit ?? otherwise);
}

/** The text in a value: a string as it is, an object as JSON. What has no JSON has no text. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    // Circular, or with a BigInt: nothing that could go over a wire to a model.
    return "";
  }
}
