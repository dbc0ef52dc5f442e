/**
 * The frames of a session, and the results in them, which are those of a batch. A frame from the client carries a
 * number of its choice and one of: commands, a subscription, an acknowledgement. Frames from the server carry the
 * number of what they answer, or events.
 */
import type { Caller } from "./caller.ts";
import type { Outcome } from "./commands.ts";
import type { JournalEvent } from "./journal.ts";
import type { Scope } from "./key.ts";
import type { RefusalCounts } from "./pool.ts";
import { type Problem, refusalProblem } from "./problems.ts";
import type { RefusalCode } from "./refusals.ts";

/** The subprotocol of a session; the key travels as a second one, behind `keyPrefix`, for browsers can't set headers. */
export const subprotocol = "bursar.v1";
export const keyPrefix = "bursar-key.";

/** Who opens a session, as the Worker tells the pool. */
export type SessionAuth = { readonly caller: Caller; readonly scope: Scope };
/** The header that carries it, from the Worker to the pool's object and from nowhere else. */
export const sessionAuthHeader = "x-bursar-auth";

/** Why a session was closed by the server, as WebSocket close codes. */
export const closeCodes = {
  /** The key was revoked or has expired. */
  unauthorized: 4401,
  /** The pool was deleted. */
  gone: 4410,
  /** More frames than a session may have in flight. */
  tooManyInFlight: 4429,
} as const;

/** Sent as text; the answer comes from the platform and wakes nothing. */
export const ping = "ping";
export const pong = "pong";

/** A command's answer, with the status that its own route would have given. */
export type CommandResult =
  | { readonly status: 200 | 201; readonly result: object }
  | { readonly status: number; readonly problem: Problem };

export type Reply =
  | { readonly id: number; readonly results: readonly CommandResult[] }
  | {
      readonly id: number;
      readonly subscribed: { readonly after: number; readonly seq: number; readonly refusals: RefusalCounts };
    }
  | { readonly id: number | null; readonly problem: Problem };

/** A refusal as it happens. It is not in the journal, so it is shown to those who watch and then gone. */
export type LiveRefusal = {
  readonly at: number;
  readonly op: string;
  readonly agent: string | null;
  readonly code: RefusalCode;
};

export type ServerFrame =
  | Reply
  | { readonly events: readonly JournalEvent[]; readonly next: number }
  | { readonly refused: readonly LiveRefusal[] };

export function batchResult(outcome: Outcome, op: string): CommandResult {
  if (!outcome.ok) {
    const problem = refusalProblem(outcome.refusal);
    return { status: problem.status, problem };
  }
  const created = op === "reserve" || op === "record" || op === "fund";
  return { status: created ? 201 : 200, result: outcome.result };
}
