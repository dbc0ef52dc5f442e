// The AI SDK: generateText and streamText with tools, over each of its providers. A sub-agent is a tool that calls a model.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { firstPrompt, key, lookup, lookupDescription, lookupSchema, play, prompt, url, variant } from "./common.mjs";

const openai = createOpenAI({ baseURL: `${url}/openai/v1`, apiKey: key });
const anthropic = createAnthropic({ baseURL: `${url}/anthropic/v1`, apiKey: key });
const model = { responses: () => openai("gpt-5.5"), chat: () => openai.chat("gpt-4o"), messages: () => anthropic("claude-opus-5-5") }[variant]();
const tools = { lookup: tool({ description: lookupDescription, inputSchema: jsonSchema(lookupSchema), execute: lookup }) };
const stopWhen = stepCountIs(5);

const child = tool({
  description: "Asks a sub-agent.",
  inputSchema: jsonSchema({ type: "object", properties: { prompt: { type: "string" } }, required: ["prompt"] }),
  execute: async ({ prompt: question }) => (await generateText({ model, prompt: question })).text,
});

async function twice() {
  const messages = [{ role: "user", content: firstPrompt }];
  for (const next of [{ role: "user", content: prompt }, undefined]) {
    // A stream's errors are parts of it.
    let failure;
    const answer = streamText({ model, tools, stopWhen, messages, onError: ({ error }) => void (failure = error) });
    const text = await answer.text.catch((error) => Promise.reject(failure ?? error));
    if (failure !== undefined) throw failure;
    if (next === undefined) return text;
    messages.push(...(await answer.response).messages, next);
  }
}

const searchTool = {
  responses: () => ({ web_search: openai.tools.webSearch({}) }),
  messages: () => ({ web_search: anthropic.tools.webSearch_20250305({ maxUses: 2 }) }),
}[variant];

await play({
  search: async () => (await generateText({ model, tools: searchTool(), prompt })).text,
  tool: async () => (await generateText({ model, tools, stopWhen, prompt })).text,
  again: twice,
  stream: async () => await streamText({ model, prompt, onError: ({ error }) => console.error(String(error)) }).text,
  delegate: async () => (await generateText({ model, tools: { child }, stopWhen, prompt })).text,
});
