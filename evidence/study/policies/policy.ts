/** A way to govern a fleet: what it answers to a call, and what it makes of the call's end. */
import type { Call, Fleet } from "../fleet.ts";

/** `granted`: tokens that the call may take, prompt and answer. */
export type Answer =
  | { readonly kind: "goes"; readonly granted: number }
  | { readonly kind: "refused" }
  /** The agent is confident enough already. */
  | { readonly kind: "gated" }
  | { readonly kind: "waits" };

/** A call that waited, and what it is answered now. */
export type Served = { readonly call: Call; readonly answer: Answer };

export type Governor = {
  /** A task begins: the agent's confidence is of the last one. */
  begin(call: Call, now: number): void;
  ask(call: Call, now: number): Answer;
  /** The call has taken `used` tokens. Gives the calls that can go now because of it. */
  end(call: Call, used: number, now: number): readonly Served[];
  /** The call waits no longer. */
  giveUp(call: Call, now: number): void;
  /** Tokens that were spent, as the governor's own books say. */
  spent(): number;
};

export type Policy = {
  readonly name: string;
  /** A sentence. */
  readonly what: string;
  /** `budget`: tokens for the whole fleet. */
  govern(fleet: Fleet, budget: number): Governor;
};

export const go = (granted: number): Answer => ({ kind: "goes", granted });
export const refused: Answer = { kind: "refused" };
export const nobody: readonly Served[] = [];
