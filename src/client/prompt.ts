/** Estimates a call before it is made: the tokens of what goes in, and the limit on what comes out. */
import { tokensIn } from "../providers/request.ts";
import { countOf } from "../providers/shape.ts";

/** How the SDKs name the limit on a call's output. */
const limitNames = ["max_completion_tokens", "max_output_tokens", "max_tokens", "maxOutputTokens", "maxTokens"];

/** Tokens of the arguments, and the output limit that one of them names, or `otherwise`. */
export function estimateCall(args: readonly unknown[], otherwise: number): number {
  const limit = args
    .flatMap((arg) => limitNames.map((name) => countOf(arg, name)))
    .find((count) => count !== undefined);
  return args.reduce<number>((sum, arg) => sum + tokensIn(arg), limit ?? otherwise);
}
