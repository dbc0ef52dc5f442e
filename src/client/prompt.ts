/** Estimates a call before it is made: the tokens of what goes in, and the limit on what comes out. */
import { tokensIn } from "../providers/prompt-tokens.ts";
import { countOf, fieldOf } from "../providers/shape.ts";

/** How the SDKs name the limit on a call's output. */
const limitNames = ["max_completion_tokens", "max_output_tokens", "max_tokens", "maxOutputTokens", "maxTokens"];

/** Tokens of a call's arguments. */
export function promptIn(args: readonly unknown[]): number {
  return args.reduce<number>((sum, arg) => sum + tokensIn(arg), 0);
}

/** The output limit that one of the arguments names. */
export function limitIn(args: readonly unknown[]): number | undefined {
  return args.flatMap((arg) => limitNames.map((name) => countOf(arg, name))).find((count) => count !== undefined);
}

/** The model that one of the arguments names. */
export function modelIn(args: readonly unknown[]): string | undefined {
  return args.map((arg) => fieldOf(arg, "model")).find((model) => typeof model === "string");
}
