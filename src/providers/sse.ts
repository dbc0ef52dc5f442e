/**
 * Reads server-sent events incrementally, and keeps the text of each, so that what goes through can be passed on, or
 * left out, event by event. Per the HTML standard, lines end in LF, CR or CRLF and an empty one ends an event.
 */

export type SseEvent = {
  /** The data lines, joined; "" for an event without data. */
  readonly data: string;
  /** Everything of it as it came, its empty line included. */
  readonly text: string;
};

/** An event is a chunk of a model's answer, some kilobytes; one that never ends is not. */
const maxEventLength = 4_000_000;

export class SseParser {
  #rest = "";

  /** The events that `text` completes. Throws for one that is longer than any honest event. */
  push(text: string): SseEvent[] {
    this.#rest += text;
    const events: SseEvent[] = [];
    for (let end = endOfEvent(this.#rest); end > 0; end = endOfEvent(this.#rest)) {
      const whole = this.#rest.slice(0, end);
      this.#rest = this.#rest.slice(end);
      events.push({ data: dataOf(whole), text: whole });
    }
    if (this.#rest.length > maxEventLength) throw new Error("an event of the stream does not end");
    return events;
  }

  /** What is left when the stream ends: an event whose empty line never came. */
  end(): SseEvent | undefined {
    const text = this.#rest;
    this.#rest = "";
    return text === "" ? undefined : { data: dataOf(text), text };
  }
}

/** Index behind the first empty line, or 0. A CR at the very end may be half of a CRLF, so it ends nothing yet. */
function endOfEvent(text: string): number {
  const match = /(?:\r\n|\n|\r(?!\n|$))(?:\r\n|\n|\r(?!\n|$))/.exec(text);
  return match === null ? 0 : match.index + match[0].length;
}

function dataOf(event: string): string {
  return event
    .split(/\r\n|\n|\r/)
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(5).replace(/^ /, ""))
    .join("\n");
}
