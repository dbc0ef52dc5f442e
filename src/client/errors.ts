/** What the client throws. Every error says in `code` what happened and carries the facts of the problem document. */

/** A problem document (RFC 9457) as Bursar sends it; the facts beside `code` are listed in docs/reference/errors.md. */
export type ProblemDocument = {
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  readonly request_id?: string;
  readonly [fact: string]: unknown;
};

/** The governor said no, or the request was wrong. */
export class BursarError extends Error {
  override readonly name: string = "BursarError";
  readonly code: string;
  readonly status: number;
  /** The whole answer, with every fact of the refusal. */
  readonly problem: ProblemDocument;

  constructor(problem: ProblemDocument, options?: ErrorOptions) {
    super(problem.detail, options);
    this.code = problem.code;
    this.status = problem.status;
    this.problem = problem;
  }
}

/**
 * The governor says: don't spend. `code` tells why: `budget_exceeded`, `confidence_reached`, `agent_closing`,
 * `paused` or `too_many_reserves`. Don't repeat the call; `retry_after_ms` is there only when time alone can help.
 */
export class BudgetExceededError extends BursarError {
  override readonly name = "BudgetExceededError";

  get agent(): string {
    return String(this.problem["agent"]);
  }

  get retry_after_ms(): number | undefined {
    const ms = this.problem["retry_after_ms"];
    return typeof ms === "number" ? ms : undefined;
  }
}

/** No answer from the governor, even after repeating. The call was not made; whether it was booked is unknown. */
export class UnreachableError extends BursarError {
  override readonly name = "UnreachableError";

  constructor(url: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      { code: "unreachable", status: 0, detail: `The governor at ${url} can't be reached (${reason}). Is it running?` },
      { cause },
    );
  }
}

/** Of what is asked of a client after its `close()`, and of what was in flight. */
export function closedError(): BursarError {
  return new BursarError({ code: "closed", status: 0, detail: "The client was closed; make a new one." });
}

/** The error of a problem document. A refusal to spend is always 402. */
export function errorOf(problem: ProblemDocument): BursarError {
  return problem.status === 402 ? new BudgetExceededError(problem) : new BursarError(problem);
}
