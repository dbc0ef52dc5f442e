/** Who asks an object for something: what is left of a key once the edge has checked it. */
export type Caller = {
  /** The key's id, to be held against revocations; null for the operator and for Bursar itself. */
  readonly key_id: string | null;
  /** The agent that the key is bound to, if any. */
  readonly agent: string | null;
  /** When the key expires, in milliseconds since 1970; null for never. The edge has checked it; a caller may wait. */
  readonly expires_at: number | null;
};

/** No key: what Bursar does by itself, and what the operator does. */
export const systemCaller: Caller = { key_id: null, agent: null, expires_at: null };

/** What a repeat of a request is known by: who asks, and its `Idempotency-Key`. */
export type RequestId = { readonly caller: string; readonly key: string };
