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
  readonly #maxLength: number;
  /** What came since the last event, in pieces: joined once, when an event ends. */
  #pieces: string[] = [];
  #length = 0;
  /** The last characters of it, among which an empty line may have begun: CR LF CR, and then LF. */
  #tail = "";

  /** `maxLength` is how long an event may be, in characters, to be looked into. */
  constructor(maxLength = maxEventLength) {
    this.#maxLength = maxLength;
  }

  /** The events that `text` completes. */
  push(text: string): SseEvent[] {
    const isOpen = endOfEvent(this.#tail + text, 0) === 0;
    this.#keep(text);
    if (isOpen) return this.#length <= this.#maxLength ? [] : [{ data: "", text: this.#take() }];
    const all = this.#take();
    const events: SseEvent[] = [];
    let start = 0;
    for (let end = endOfEvent(all, 0); end > 0; end = endOfEvent(all, start)) {
      const whole = all.slice(start, end);
      start = end;
      events.push({ data: dataOf(whole), text: whole });
    }
    this.#keep(all.slice(start));
    return events;
  }

  /** What is left when the stream ends: an event whose empty line never came, or nothing. */
  end(): SseEvent[] {
    const text = this.#take();
    return text === "" ? [] : [{ data: dataOf(text), text }];
  }

  #keep(text: string): void {
    this.#pieces.push(text);
    this.#length += text.length;
    this.#tail = (this.#tail + text.slice(-3)).slice(-3);
  }

  #take(): string {
    const all = this.#pieces.join("");
    this.#pieces = [];
    this.#length = 0;
    this.#tail = "";
    return all;
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
