/** What a pool counts. */

/** What a pool counts: tokens, or millionths of a US dollar. Fixed when the pool is created. */
export type Unit = "tokens" | "microusd";
