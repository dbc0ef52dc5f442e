/** Tools that the provider runs: how often at most, and what their results add to the prompt. */

export type ProviderTool = {
  /** As the price list has it. */
  readonly name: string;
  /** How often at most, as far as the request says. */
  readonly most: number | undefined;
};

/** Uses that are held for where a request names no limit. What the answer reports corrects it. */
const usesHeld = 5;

/** Tokens that one use may add to the prompt: what a tool finds is read by the model. */
const resultTokens: Readonly<Record<string, number>> = {
  web_search: 10_000,
  google_search: 10_000,
  google_maps: 10_000,
  web_fetch: 25_000,
  // Up to twenty pieces of 800 tokens.
  file_search: 16_000,
  code_interpreter: 5_000,
  code_execution: 5_000,
};

export function mostUses({ most = usesHeld }: ProviderTool): number {
  return most;
}

/** Tokens that the tools of a request may add to its prompt at most. */
export function toolTokens(tools: readonly ProviderTool[]): number {
  return tools.reduce((sum, tool) => sum + mostUses(tool) * (resultTokens[tool.name] ?? 0), 0);
}
