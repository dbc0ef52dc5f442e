// OpenAI's Agents SDK: a tool, a stream, a session, and a handoff to a sub-agent.
import { Agent, MemorySession, run, setOpenAIAPI, tool } from "@openai/agents";
import { z } from "zod";
import { childInstructions, firstPrompt, lookup, lookupDescription, play, prompt, variant } from "./common.mjs";

setOpenAIAPI(variant === "chat" ? "chat_completions" : "responses");
const model = variant === "chat" ? "gpt-4o" : "gpt-5.5";
const look = tool({ name: "lookup", description: lookupDescription, parameters: z.object({ key: z.string() }), execute: lookup });
const agent = new Agent({ name: "parent", instructions: childInstructions, model, tools: [look] });
const helper = new Agent({ name: "child", instructions: childInstructions, model });
const asTool = helper.asTool({ toolName: "child", toolDescription: "Answers checks." });
const parent = new Agent({ name: "boss", instructions: childInstructions, model, tools: [asTool] });

await play({
  tool: async () => (await run(agent, prompt)).finalOutput,
  again: async () => {
    const session = new MemorySession();
    await run(agent, firstPrompt, { session });
    return (await run(agent, prompt, { session })).finalOutput;
  },
  stream: async () => {
    const result = await run(agent, prompt, { stream: true });
    let text = "";
    for await (const piece of result.toTextStream()) text += piece;
    await result.completed;
    return text;
  },
  delegate: async () => (await run(parent, prompt)).finalOutput,
});
