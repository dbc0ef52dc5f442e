/** Random numbers that are the same for the same seed: for tests, and for what `evidence/` shows. */

/** Numbers of at least 0, below 1: Mulberry32 by Tommy Ettinger (public domain). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A seed of its own for each list of whole numbers: the turn of a proof, a worker in it, and so on. */
export function seedOf(seed: number, ...path: readonly number[]): number {
  let mixed = seed | 0;
  for (const step of path) mixed = Math.floor(randomOf(Math.imul(mixed, 0x9e3779b1) ^ (step + 1))() * 2 ** 32) | 0;
  return mixed;
}
