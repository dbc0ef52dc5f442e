/** Random numbers that are the same for the same seed. */

/** Numbers in [0, 1): Mulberry32 by Tommy Ettinger (public domain), small and even enough for moments and amounts. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A seed of its own for each list of whole numbers: the turn of a proof, a worker in it, and so on. */
export function seedOf(seed: number, ...path: readonly number[]): number {
  let mixed = seed | 0;
  for (const step of path) mixed = Math.floor(seeded(Math.imul(mixed, 0x9e3779b1) ^ (step + 1))() * 4_294_967_296) | 0;
  return mixed;
}
