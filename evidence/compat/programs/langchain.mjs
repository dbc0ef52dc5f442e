// LangChain's agent and LangGraph: a tool, a stream, a checkpointed conversation, and a supervisor with a sub-agent.
import { ChatAnthropic } from "@langchain/anthropic";
import { MemorySaver } from "@langchain/langgraph";
import { createSupervisor } from "@langchain/langgraph-supervisor";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent, tool } from "langchain";
import { z } from "zod";
import { firstPrompt, key, lookup, lookupDescription, play, prompt, url, variant } from "./common.mjs";

const openai = { apiKey: key, configuration: { baseURL: `${url}/openai/v1` } };
const model = {
  chat: () => new ChatOpenAI({ model: "gpt-4o", ...openai }),
  responses: () => new ChatOpenAI({ model: "gpt-5.5", useResponsesApi: true, ...openai }),
  messages: () => new ChatAnthropic({ model: "claude-opus-5-5", apiKey: key, maxTokens: 16_000, anthropicApiUrl: `${url}/anthropic` }),
}[variant]();
const look = tool(lookup, { name: "lookup", description: lookupDescription, schema: z.object({ key: z.string() }) });
const textOf = (message) => message.text ?? message.content;
const last = ({ messages }) => textOf(messages.at(-1));
const user = (content) => ({ messages: [{ role: "user", content }] });

await play({
  tool: async () => last(await createAgent({ model, tools: [look] }).invoke(user(prompt))),
  again: async () => {
    const agent = createAgent({ model, tools: [look], checkpointer: new MemorySaver() });
    const thread = { configurable: { thread_id: "1" } };
    await agent.invoke(user(firstPrompt), thread);
    return last(await agent.invoke(user(prompt), thread));
  },
  stream: async () => {
    let text = "";
    for await (const piece of await model.stream(prompt)) text += textOf(piece);
    return text;
  },
  delegate: async () => {
    const child = createReactAgent({ llm: model, tools: [], name: "child" });
    return last(await createSupervisor({ agents: [child], llm: model }).compile().invoke(user(prompt)));
  },
});
