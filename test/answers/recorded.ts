/** What a recorded answer is: what a provider sent, and what is right to book for it. */

/** The API that a call was made to. */
export type DialectName = "openai-chat" | "openai-responses" | "openai-embeddings" | "anthropic-messages" | "gemini";

/**
 * Tokens of one call. `input` is all that went in, cache reads and cache writes included; `output` is all that came
 * out, reasoning included. `cacheWrite1h` is the part of `cacheWrite` that was written for an hour.
 */
export type Tokens = {
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
  readonly cacheWrite1h?: number;
  readonly reasoning?: number;
};

/** What is right to book. */
export type Booked =
  | {
      /** The answer says what it used: booked to the token. */
      readonly usage: Tokens;
      readonly reported: true;
      /** The model that answered, where the answer names another one than was asked for. */
      readonly model?: string;
      /** How often the provider ran each of its tools, which is priced by use. */
      readonly toolUses?: Readonly<Record<string, number>>;
      /** The service tier that was served, where it changes the price. Data that stayed in the US is tier `us`. */
      readonly tier?: "priority" | "flex" | "batch" | "fast" | "us";
    }
  /** An error, and nothing was delivered: nothing is booked. */
  | { readonly free: true }
  | {
      /** The answer does not say what it used: the prompt is estimated, and so is the output, from `delivered`. */
      readonly estimated: true;
      /**
       * All text that is billed as output, in the order in which it arrived: content, reasoning, refusals, and of
       * tool calls the name and the arguments.
       */
      readonly delivered: string;
      /**
       * What had been reported when the stream ended. Its counters of input are booked as they are; of output, the
       * greater of what it says and the estimate.
       */
      readonly atLeast?: Tokens;
    };

export type RecordedAnswer = {
  /** Unique; begins with the dialect and the provider. */
  readonly name: string;
  readonly provider: string;
  readonly dialect: DialectName;
  /** The body that the caller sends. */
  readonly request: Readonly<Record<string, unknown>>;
  /** Gemini names the model and the method in the path, below `/v1beta/`. */
  readonly path?: string;
  /** Of the answer; by default `text/event-stream` for events and `application/json` for a body. "" is none. */
  readonly contentType?: string;
  /** By default 200. */
  readonly status?: number;
  /** A stream: the text of each server-sent event without its closing blank line. Lines end in "\n" here. */
  readonly events?: readonly string[];
  /** How lines end on the wire, where not in "\n". */
  readonly lineEnd?: "\r\n" | "\r";
  /** The stream ends without the blank line that closes its last event. */
  readonly isUnterminated?: true;
  /** A whole answer: its text. */
  readonly body?: string;
  readonly booked: Booked;
  /** The event from which on the report is final, and is `booked`, wherever the stream is cut. */
  readonly finalAt?: number;
  /**
   * The event from which on a cut stream has ended with a report, which `finalAt` still completes or corrects. By
   * default `finalAt`: a stream that is cut before it is estimated.
   */
  readonly reportedAt?: number;
  /** The case is not settled; its comment says why. It is kept out of `settledAnswers`. */
  readonly disputed?: true;
  /** A public thread or page that reported the shape. */
  readonly source?: string;
};

/** A case as its file writes it: the file says once which provider speaks which dialect. */
export type Written = Omit<RecordedAnswer, "provider" | "dialect">;

/** The cases of `provider` in `dialect`, under names that are unique across files. */
export function recorded(dialect: DialectName, provider: string, cases: readonly Written[]): RecordedAnswer[] {
  return cases.map((one) => ({ ...one, provider, dialect, name: `${dialect}, ${provider}: ${one.name}` }));
}

/** The body of `answer` as it comes over the wire. */
export function wireOf({ events, body, lineEnd, isUnterminated }: RecordedAnswer): string {
  if (events === undefined) return body ?? "";
  const text = events.join("\n\n") + (events.length === 0 || isUnterminated === true ? "" : "\n\n");
  return lineEnd === undefined ? text : text.replaceAll("\n", lineEnd);
}

/** The content type of `answer`; undefined where it has none. */
export function contentTypeOf({ events, contentType }: RecordedAnswer): string | undefined {
  if (contentType !== undefined) return contentType === "" ? undefined : contentType;
  return events === undefined ? "application/json" : "text/event-stream";
}

/** What a governed function gives back, or throws, and what is right to book for it; null where it does not say. */
export type RecordedResult = {
  /** Unique; begins with the SDK. */
  readonly name: string;
  readonly result: unknown;
  readonly usage: Tokens | null;
  /** As of a recorded answer. */
  readonly disputed?: true;
  readonly source?: string;
};
