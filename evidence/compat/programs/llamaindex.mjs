// LlamaIndex: an agent with a tool, a stream and a conversation.
import { anthropic } from "@llamaindex/anthropic";
import { openai, openaiResponses } from "@llamaindex/openai";
import { agent } from "@llamaindex/workflow";
import { tool } from "llamaindex";
import { z } from "zod";
import { firstPrompt, key, lookup, lookupDescription, play, prompt, url, variant } from "./common.mjs";

const atOpenAi = { apiKey: key, baseURL: `${url}/openai/v1` };
const llm = {
  chat: () => openai({ model: "gpt-4o", ...atOpenAi }),
  responses: () => openaiResponses({ model: "gpt-5.5", ...atOpenAi }),
  messages: () => anthropic({ model: "claude-sonnet-4-5", maxTokens: 16_000, apiKey: key }),
}[variant]();
const look = tool({ name: "lookup", description: lookupDescription, parameters: z.object({ key: z.string() }), execute: lookup });

await play({
  tool: async () => String((await agent({ llm, tools: [look] }).run(prompt)).data.result),
  again: async () => {
    const first = await agent({ llm, tools: [look] }).run(firstPrompt);
    const chatHistory = [{ role: "user", content: firstPrompt }, { role: "assistant", content: String(first.data.result) }];
    return String((await agent({ llm, tools: [look] }).run(prompt, { chatHistory })).data.result);
  },
  stream: async () => {
    let text = "";
    for await (const piece of await llm.chat({ messages: [{ role: "user", content: prompt }], stream: true })) text += piece.delta;
    return text;
  },
});
