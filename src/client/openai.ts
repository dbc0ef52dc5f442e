/**
 * `bursar/openai`: govern OpenAI's SDK, and whatever else speaks its dialect and takes a `fetch`.
 *
 * ```ts
 * const openai = new OpenAI({ fetch: governed(pool, "researcher") });
 * ```
 */
import { openAiChat } from "../providers/openai-chat.ts";
import { openAiEmbeddings } from "../providers/openai-embeddings.ts";
import { openAiResponses } from "../providers/openai-responses.ts";
import { type GovernedFetchOptions, governedFetch } from "./adapters/governed-fetch.ts";
import type { Pool } from "./pool.ts";

export type { GovernedFetchOptions };

/** A `fetch` for the SDK's `fetch` option. A refusal reaches the caller as the SDK's own error, after one request. */
export function governed(pool: Pool, agent: string, options: GovernedFetchOptions = {}): typeof fetch {
  return governedFetch(pool, agent, options, [openAiChat, openAiResponses, openAiEmbeddings]);
}
