/**
 * DEFLATE (RFC 1951) in a zlib wrapper (RFC 1950), as PDFs use it. Runtimes have `DecompressionStream`, but it is
 * asynchronous, and bounds are counted synchronously; the client may have no dependencies.
 */

/** Lengths and distances: the least of each code, and how many bits are added to it. */
const lengths = codes(3, 4, 28);
lengths.push([258, 0]);
const distances = codes(1, 2, 30);

function codes(first: number, perStep: number, count: number): [least: number, bits: number][] {
  const made: [number, number][] = [];
  for (let code = 0, least = first; code < count; code++) {
    const bits = Math.max(0, Math.floor(code / perStep) - 1);
    made.push([least, bits]);
    least += 2 ** bits;
  }
  return made;
}

/** In this order the lengths of the codes for lengths are sent. */
const order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** A code: how many words of each length it has, and what they stand for, in their order. */
type Code = { readonly counts: Uint16Array; readonly symbols: Uint16Array };

function codeOf(bits: readonly number[]): Code {
  const counts = new Uint16Array(16);
  for (const length of bits) counts[length] = (counts[length] as number) + 1;
  counts[0] = 0;
  const starts = new Uint16Array(16);
  for (let length = 1; length < 15; length++) {
    starts[length + 1] = (starts[length] as number) + (counts[length] as number);
  }
  const symbols = new Uint16Array(bits.length);
  for (const [symbol, length] of bits.entries()) {
    if (length === 0) continue;
    const at = starts[length] as number;
    symbols[at] = symbol;
    starts[length] = at + 1;
  }
  return { counts, symbols };
}

class Damaged extends Error {}

/** Reads the zlib stream that `data` begins with, to at most `most` bytes; undefined if it is none, or longer. */
export function inflate(data: Uint8Array, most: number): Uint8Array | undefined {
  try {
    return new Inflater(data, 2, most).run();
  } catch (error) {
    if (error instanceof Damaged) return undefined;
    throw error;
  }
}

class Inflater {
  readonly #data: Uint8Array;
  readonly #most: number;
  #at: number;
  #bits = 0;
  #count = 0;
  #out = new Uint8Array(1 << 10);
  #length = 0;

  constructor(data: Uint8Array, at: number, most: number) {
    this.#data = data;
    this.#at = at;
    this.#most = most;
  }

  run(): Uint8Array {
    for (let isLast = false; !isLast;) {
      isLast = this.#take(1) === 1;
      const kind = this.#take(2);
      if (kind === 0) this.#stored();
      else if (kind === 1) this.#block(codeOf(fixed), codeOf(Array.from({ length: 30 }, () => 5)));
      else if (kind === 2) this.#dynamic();
      else throw new Damaged();
      // Blocks of nothing could make a short stream as long to read as the file.
      if (this.#at > this.#length + 1_000) throw new Damaged();
    }
    return this.#out.subarray(0, this.#length);
  }

  #take(count: number): number {
    while (this.#count < count) {
      const byte = this.#data[this.#at++];
      if (byte === undefined) throw new Damaged();
      this.#bits |= byte << this.#count;
      this.#count += 8;
    }
    const taken = this.#bits & ((1 << count) - 1);
    this.#bits >>>= count;
    this.#count -= count;
    return taken;
  }

  #put(byte: number): void {
    if (this.#length >= this.#most) throw new Damaged();
    if (this.#length === this.#out.length) {
      const larger = new Uint8Array(2 * this.#out.length);
      larger.set(this.#out);
      this.#out = larger;
    }
    this.#out[this.#length++] = byte;
  }

  /** What is not compressed begins at a byte, with its length and the complement of that. */
  #stored(): void {
    this.#bits = this.#count = 0;
    const length = this.#take(16);
    this.#take(16);
    for (let i = 0; i < length; i++) this.#put(this.#take(8));
  }

  #symbol({ counts, symbols }: Code): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length < 16; length++) {
      code |= this.#take(1);
      const count = counts[length] as number;
      if (code - count < first) return symbols[index + code - first] as number;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new Damaged();
  }

  #dynamic(): void {
    const literals = this.#take(5) + 257;
    const total = literals + this.#take(5) + 1;
    const sent = this.#take(4) + 4;
    const ofLengths: number[] = Array.from({ length: 19 }, () => 0);
    for (const symbol of order.slice(0, sent)) ofLengths[symbol] = this.#take(3);
    const code = codeOf(ofLengths);
    const bits: number[] = [];
    while (bits.length < total) {
      const symbol = this.#symbol(code);
      if (symbol < 16) bits.push(symbol);
      else {
        const repeated = symbol === 16 ? bits.at(-1) : 0;
        if (repeated === undefined) throw new Damaged();
        const times = symbol === 16 ? 3 + this.#take(2) : symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7);
        for (let i = 0; i < times; i++) bits.push(repeated);
      }
    }
    this.#block(codeOf(bits.slice(0, literals)), codeOf(bits.slice(literals, total)));
  }

  #block(literals: Code, far: Code): void {
    for (;;) {
      const symbol = this.#symbol(literals);
      if (symbol === 256) return;
      if (symbol < 256) this.#put(symbol);
      else {
        const length = this.#long(lengths[symbol - 257]);
        const distance = this.#long(distances[this.#symbol(far)]);
        if (distance > this.#length) throw new Damaged();
        for (let i = 0; i < length; i++) this.#put(this.#out[this.#length - distance] as number);
      }
    }
  }

  #long(code: [least: number, bits: number] | undefined): number {
    if (code === undefined) throw new Damaged();
    return code[0] + this.#take(code[1]);
  }
}

/** The code that is meant where none is sent. */
const fixed = Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8));
