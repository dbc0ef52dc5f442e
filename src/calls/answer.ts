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
import { fieldOf, jsonIn, type Usage } from "../providers/shape.ts";
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
  #toolUses: Record<string, number> = {};
  /** Ids by which a later request may refer to this answer and to its items. */
  readonly #ids = new Set<string>();
  #failed = false;
  #hasBegun = false;
  #finished = 0;
  /** Whether usage was reported with the last word, or after it. */
  #isReportedSince = false;
  /** Whether the stream has said its own last word, or the answer was whole. */
  #isOver = false;
  /** Whether the provider has closed the stream, with or without a last word. */
  #isClosed = false;
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
    if (isSaying(event) && seen.isError !== true) this.#hasBegun = true;
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

  /** Notes the stream's own last word, where it is no event (`[DONE]`). */
  end(): void {
    this.#isOver = true;
  }

  /** Notes that the provider has closed the stream. Without a last word before it, the answer may have broken off. */
  close(): void {
    this.#isClosed = true;
  }

  /** Notes a whole answer, its body as JSON. */
  whole(body: unknown, now: number): void {
    if (this.#answers !== undefined) this.#note(this.#answers.whole(body), now);
    this.#hasBegun = this.#finished > 0;
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
        confidencePath === null || !this.#hasEnded
          ? undefined
          : confidenceAt(confidencePath, this.#written, this.#body, header),
    };
  }

  #note({ counts, text = "", model, tier, isError, finished = 0, used, toolUses, ids = [] }: Seen, now: number): void {
    if (used !== undefined) this.#toolUses[used] = (this.#toolUses[used] ?? 0) + 1;
    // A report counts them all.
    if (toolUses !== undefined) this.#toolUses = { ...toolUses };
    for (const id of ids) if (this.#ids.size < mostIds) this.#ids.add(id);
    if (text !== "") this.#deliver(estimateTokens(text), now);
    if (isError === true) this.#failed = true;
    this.#finished += finished;
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
    this.#isReportedSince = false;
    this.#reasoning += hiddenReasoning(now - this.#lastWordAt);
    this.#lastWordAt = now;
  }

  /** Ids by which a later request may refer to this answer and to its items. */
  get ids(): readonly string[] {
    return [...this.#ids];
  }

  get #hasEnded(): boolean {
    return this.#isOver || this.#finished >= this.#asked.answers;
  }

  #reported(): Reported | undefined {
    return this.#counts === undefined ? undefined : this.#answers?.usage(this.#counts);
  }

  #end(now: number): Omit<Ending, "confidence"> {
    const { prompt, writes } = this.#asked;
    const reported = this.#reported();
    // A zero beside words is a report of the way.
    const isLast = this.#isReportedSince && (this.#delivered === 0 || (reported?.usage.output ?? 0) > 0);
    const isFinal = reported?.isComplete === true && (this.#isOver || (this.#hasEnded && isLast));
    const about = { atLeast: reported?.usage, model: this.#model, tier: this.#tier, toolUses: this.#toolUses };
    if (isFinal && !(this.#failed && this.#isNothing(reported.usage))) {
      return { ...about, usage: reported.usage, delivered: reported.usage, isReported: true, isFree: false };
    }
    // Providers do not bill for an answer that failed, or closed, before its first word.
    if (this.#delivered === 0 && (this.#failed || ((this.#isOver || this.#isClosed) && !this.#hasBegun))) {
      return { ...about, usage: nothing, delivered: nothing, atLeast: undefined, isReported: false, isFree: true };
    }
    const pause = this.#isOver || this.#isClosed ? 0 : hiddenReasoning(now - this.#lastWordAt);
    const { input = prompt, output = 0, ...rest } = reported?.usage ?? {};
    const thought = writes ? this.#reasoning + pause : 0;
    const delivered = { ...nothing, ...rest, input, output: writes ? Math.max(output, this.#delivered) : 0 };
    const usage = { ...delivered, output: delivered.output + thought };
    return { ...about, usage, delivered, isReported: false, isFree: false };
  }

  /** Whether a report of an answer that failed says that nothing was written. */
  #isNothing({ output }: Usage): boolean {
    return output === 0 && this.#delivered === 0;
  }
}

/** An answer of an agent has some dozen items. */
const mostIds = 256;

/** Whether an event is one of an answer: comments are none, and pings only keep the connection open. */
function isSaying(event: unknown): boolean {
  return typeof event === "object" && event !== null && fieldOf(event, "type") !== "ping";
}

const nothing: Usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 };
