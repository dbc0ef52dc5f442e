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

/** An event is a chunk of a model's answer. A longer one, an image for example, is passed on and not looked into. */
const maxEventLength = 4_000_000;

export class SseParser {
  #rest = "";
  /** No event ends before this place of `#rest`. */
  #searched = 0;

  /** The events that `text` completes. */
  push(text: string): SseEvent[] {
    this.#rest += text;
    const events: SseEvent[] = [];
    for (let end = this.#next(); end > 0; end = this.#next()) {
      const whole = this.#rest.slice(0, end);
      this.#rest = this.#rest.slice(end);
      this.#searched = 0;
      events.push({ data: dataOf(whole), text: whole });
    }
    if (this.#rest.length <= maxEventLength) return events;
    const part = { data: "", text: this.#rest };
    this.#rest = "";
    this.#searched = 0;
    return [...events, part];
  }

  /** What is left when the stream ends: an event whose empty line never came, or nothing. */
  end(): SseEvent[] {
    const text = this.#rest;
    this.#rest = "";
    this.#searched = 0;
    return text === "" ? [] : [{ data: dataOf(text), text }];
  }

  #next(): number {
    const end = endOfEvent(this.#rest, this.#searched);
    // An empty line may begin up to three characters before what comes next: CR LF CR, and then LF.
    if (end === 0) this.#searched = Math.max(0, this.#rest.length - 3);
    return end;
  }
}

/** Index behind the first empty line, or 0. A CR at the very end may be half of a CRLF, so it ends nothing yet. */
function endOfEvent(text: string, from: number): number {
  const emptyLine = /(?:\r\n|\n|\r(?!\n|$))(?:\r\n|\n|\r(?!\n|$))/g;
  emptyLine.lastIndex = from;
  return emptyLine.test(text) ? emptyLine.lastIndex : 0;
}

function dataOf(event: string): string {
  return event
    .split(/\r\n|\n|\r/)
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(5).replace(/^ /, ""))
    .join("\n");
}
