/**
 * Meters the answer to a governed call, whole or streamed, in the call's own dialect: what it delivered, what it
 * reported, and whether that report is the last. Every door (gateway, `fetch` adapters, AI SDK, `govern`) meters by
 * this, so that the same answer is booked the same whichever way it came.
 */
import type { Answers, Seen } from "../providers/answers.ts";
import { confidenceAt, nothingWritten, type Written, writtenAfter, writtenIn } from "../providers/confidence.ts";
import { type Counts, mergeCounts, type Reported } from "../providers/counts.ts";
import { estimateTokens } from "../providers/estimate.ts";
import type { Extent } from "../providers/request.ts";
import { jsonIn, type Usage } from "../providers/shape.ts";
import { type Ending, hiddenReasoning } from "./ending.ts";

/** What metering needs to know of a call's request. */
export type Asked = Pick<Extent, "prompt" | "answers" | "writes"> & {
  /** Undefined where it is not known until the first event comes. */
  readonly dialect?: { readonly answers: Answers } | undefined;
};

export type MeterOptions = {
  /** Where the agent's contract says that an answer states its confidence; null for nowhere. */
  readonly confidencePath: string | null;
  /** When the call went out, milliseconds since 1970. */
  readonly began: number;
};

export class AnswerMeter {
  readonly #asked: Asked;
  readonly #confidencePath: string | null;
  #answers: Answers | undefined;
  #counts: Counts | undefined;
  #delivered = 0;
  #model: string | undefined;
  #tier: string | undefined;
  #failed = false;
  #finished = 0;
  /** Whether usage was reported with the last answer's finish, or after it. */
  #isReportedSince = false;
  #isOver = false;
  #written: Written = nothingWritten;
  /** Of a whole answer. */
  #body: unknown;
  #lastWordAt: number;
  #reasoning = 0;

  constructor(asked: Asked, { confidencePath, began }: MeterOptions) {
    this.#asked = asked;
    this.#confidencePath = confidencePath;
    this.#answers = asked.dialect?.answers;
    this.#lastWordAt = began;
  }

  /** Whether the answer has ended and its usage was reported: nothing that still comes can change what is booked. */
  get isSettled(): boolean {
    return this.#isOver && this.#reported()?.isComplete === true;
  }

  /** Notes an event of a stream that came at `now`: its data as JSON, or a chunk as an SDK gives it. */
  event(event: unknown, now: number): void {
    if (this.#isOver || this.#answers === undefined) return;
    const seen = this.#answers.event(event);
    this.#note(seen, now);
    if (seen.isLast === true) this.#isOver = true;
    if (this.#confidencePath?.startsWith("/") === true) this.#written = writtenAfter(this.#written, event);
  }

  /** Reads the rest of the stream by `answers`, where the first events did not tell the dialect. */
  readAs(answers: Answers): void {
    this.#answers ??= answers;
  }

  get isRead(): boolean {
    return this.#answers !== undefined;
  }

  /** Notes `tokens` of an event that was too long to be read, or of a chunk that is text. */
  deliveredUnread(tokens: number, now: number): void {
    this.#deliver(tokens, now);
  }

  /** Notes a whole answer that broke off: as much of its text as came. */
  brokenOff(text: string, now: number): void {
    const body = jsonIn(text);
    if (body === undefined) this.#deliver(estimateTokens(text), now);
    else this.whole(body, now);
  }

  /** Notes that the stream has said its last word, or has closed by itself. */
  close(): void {
    this.#isOver = true;
  }

  /** Notes a whole answer, its body as JSON. */
  whole(body: unknown, now: number): void {
    if (this.#answers !== undefined) this.#note(this.#answers.whole(body), now);
    if (this.#confidencePath !== null) this.#written = writtenIn(body);
    this.#body = body;
    this.#isOver = true;
  }

  /** What the answer came to, if it ends at `now`. `header` reads a header of the response. */
  ending(now: number, header: (name: string) => string | null = () => null): Ending {
    const confidencePath = this.#confidencePath;
    return {
      ...this.#end(now),
      // An answer that broke off has not stated its confidence: what it says may be half of it.
      confidence:
        confidencePath === null || !this.#isOver
          ? undefined
          : confidenceAt(confidencePath, this.#written, this.#body, header),
    };
  }

  #note({ counts, text = "", model, tier, isError, finished = 0 }: Seen, now: number): void {
    if (text !== "") this.#deliver(estimateTokens(text), now);
    if (isError === true) this.#failed = true;
    if (finished > 0) {
      this.#finished += finished;
      this.#isReportedSince = false;
    }
    if (counts !== undefined) {
      this.#counts = this.#counts === undefined ? counts : mergeCounts(this.#counts, counts);
      this.#isReportedSince = true;
    }
    // The last word counts: a router may name the model that it sent the call to after its own.
    this.#model = model ?? this.#model;
    this.#tier = tier ?? this.#tier;
  }

  #deliver(tokens: number, now: number): void {
    this.#delivered += tokens;
    this.#reasoning += hiddenReasoning(now - this.#lastWordAt);
    this.#lastWordAt = now;
  }

  #reported(): Reported | undefined {
    return this.#counts === undefined ? undefined : this.#answers?.usage(this.#counts);
  }

  #end(now: number): Omit<Ending, "confidence"> {
    const { prompt, answers, writes } = this.#asked;
    const reported = this.#reported();
    const hasEnded = this.#isOver || this.#finished >= answers;
    const isFinal = reported?.isComplete === true && (this.#isOver || (hasEnded && this.#isReportedSince));
    const about = { atLeast: reported?.usage, model: this.#model, tier: this.#tier };
    if (isFinal && !(this.#failed && this.#isNothing(reported.usage))) {
      return { ...about, usage: reported.usage, isReported: true, isFree: false };
    }
    // Providers do not bill for an answer that failed, or closed, before its first word.
    if (this.#delivered === 0 && (this.#failed || (this.#isOver && this.#finished === 0))) {
      return { ...about, usage: nothing, atLeast: undefined, isReported: false, isFree: true };
    }
    const pause = this.#isOver ? 0 : hiddenReasoning(now - this.#lastWordAt);
    const { input = prompt, output = 0, ...rest } = reported?.usage ?? {};
    const thought = writes ? this.#reasoning + pause : 0;
    const usage: Usage = {
      ...nothing,
      ...rest,
      input,
      output: writes ? Math.max(output, this.#delivered) + thought : 0,
    };
    return { ...about, usage, isReported: false, isFree: false };
  }

  /** Whether a report of an answer that failed says that nothing was written. */
  #isNothing({ output }: Usage): boolean {
    return output === 0 && this.#delivered === 0;
  }
}

const nothing: Usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 };
