// Mastra: an agent with a tool, a stream, and a sub-agent, over its model router.
import { Agent } from "@mastra/core/agent";
import { createTool } from "@mastra/core/tools";
import { z } from "zod";
import { childInstructions, firstPrompt, lookup, lookupDescription, play, prompt, variant } from "./common.mjs";

const model = variant === "responses" ? "openai/gpt-5.5" : "anthropic/claude-opus-5-5";
const tool = createTool({
  id: "lookup",
  description: lookupDescription,
  inputSchema: z.object({ key: z.string() }),
  execute: async (input) => lookup(input.context ?? input),
});
const helper = new Agent({ id: "child", name: "child", description: "Answers checks.", instructions: childInstructions, model });
const agent = new Agent({ id: "parent", name: "parent", instructions: childInstructions, model, tools: { lookup: tool } });
const parent = new Agent({ id: "boss", name: "boss", instructions: childInstructions, model, agents: { child: helper } });

await play({
  tool: async () => (await agent.generate(prompt)).text,
  again: async () => {
    const first = await agent.generate(firstPrompt);
    const messages = [{ role: "user", content: firstPrompt }, ...first.response.messages, { role: "user", content: prompt }];
    return (await agent.generate(messages)).text;
  },
  stream: async () => {
    let text = "";
    for await (const piece of (await agent.stream(prompt)).textStream) text += piece;
    return text;
  },
  delegate: async () => (await parent.generate(prompt)).text,
});
