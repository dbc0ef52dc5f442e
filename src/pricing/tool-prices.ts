/**
 * What tools cost that the provider runs, beside the tokens of their results: microusd a use. From the price lists of
 * OpenAI (developers.openai.com/api/docs/pricing) and Anthropic (platform.claude.com/docs/about-claude/pricing).
 */
import { mostUses, type ProviderTool } from "../providers/provider-tools.ts";

const fees: Readonly<Record<string, number>> = {
  // $10 per 1,000 searches with both. Anthropic's web_fetch has no fee.
  web_search: 10_000,
  // $35 and $25 per 1,000 grounded prompts of older models, and less for newer.
  google_search: 35_000,
  google_maps: 25_000,
  // $2.50 per 1,000 calls.
  file_search: 2_500,
  // The dearest picture of OpenAI's dearest model; the answer does not say which was made.
  image_generation: 250_000,
  // $0.03 a container of OpenAI's.
  code_interpreter: 30_000,
  // $0.05 an hour of Anthropic's, and at least five minutes.
  code_execution: 4_200,
};

/** Microusd that the tools of a request may cost at most. */
export function feesHeld(tools: readonly ProviderTool[]): number {
  return tools.reduce((sum, tool) => sum + mostUses(tool) * (fees[tool.name] ?? 0), 0);
}

/** Microusd for the uses that an answer reports, by tool. */
export function feesOf(uses: Readonly<Record<string, number>>): number {
  return Object.entries(uses).reduce((sum, [name, count]) => sum + count * (fees[name] ?? 0), 0);
}
