// The Anthropic SDK: its tool runner, and streams.
import Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";
import { firstPrompt, key, lookup, lookupDescription, lookupSchema, play, prompt, url } from "./common.mjs";

const anthropic = new Anthropic({ baseURL: `${url}/anthropic`, apiKey: key });
const model = "claude-opus-5-5";
const tool = betaTool({ name: "lookup", description: lookupDescription, inputSchema: lookupSchema, run: lookup });
const textOf = ({ content }) => content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("");

const runner = (content) => anthropic.beta.messages.toolRunner({ model, max_tokens: 16_000, messages: [{ role: "user", content }], tools: [tool] });

async function twice() {
  const first = runner(firstPrompt);
  const answer = await first;
  const messages = [...first.params.messages, { role: "assistant", content: answer.content }, { role: "user", content: prompt }];
  const stream = anthropic.beta.messages.stream({ model, max_tokens: 16_000, messages, tools: [tool] });
  return textOf(await stream.finalMessage());
}

await play({
  tool: async () => textOf(await runner(prompt)),
  again: twice,
  stream: async () => textOf(await anthropic.messages.stream({ model, max_tokens: 16_000, messages: [{ role: "user", content: prompt }] }).finalMessage()),
});
