/**
 * Sizes of what a provider keeps: a later request may refer to an earlier answer, or to an item of it, by its id alone.
 * They are a hint, remembered where the call was made, and forgotten oldest first: without one a flat size is held, and
 * what the answer reports is booked either way.
 */
import type { AnswerMeter } from "./answer.ts";
import type { Ending } from "./ending.ts";

/** Some hundred bytes each. */
const most = 10_000;

export class KeptSizes {
  readonly #tokens = new Map<string, number>();

  /** Tokens of what `id` stands for in `scope`; undefined where that is not known. */
  of(scope: string, id: string): number | undefined {
    return this.#tokens.get(`${scope} ${id}`);
  }

  /** Remembers an answer, which stands for its prompt as well, and its items, each of which is at most all of its output. */
  remember(scope: string, meter: AnswerMeter, { usage }: Ending): void {
    const [answer, ...items] = meter.ids;
    if (answer !== undefined) this.#keep(`${scope} ${answer}`, usage.input + usage.output);
    for (const id of items) this.#keep(`${scope} ${id}`, usage.output);
  }

  #keep(id: string, tokens: number): void {
    const [oldest] = this.#tokens.keys();
    if (this.#tokens.size >= most && oldest !== undefined) this.#tokens.delete(oldest);
    this.#tokens.delete(id);
    this.#tokens.set(id, tokens);
  }
}
