// The Claude Agent SDK: its own tools, a resumed session, and a sub-agent.
import { query } from "@anthropic-ai/claude-agent-sdk";
import { firstPrompt, play, prompt } from "./common.mjs";

const agents = { child: { description: "Answers checks.", prompt: "Answer what you are asked." } };

/** The last result, and the session that it belongs to: a sub-agent in the background has the agent speak again at its end. */
async function ask(question, options = {}) {
  let last;
  for await (const message of query({ prompt: question, options: { allowedTools: ["Bash", "Task", "Agent"], agents, ...options } })) {
    if (message.type !== "result") continue;
    if (message.subtype !== "success") throw new Error(message.errors?.join(" ") ?? message.subtype);
    last = message;
  }
  return last;
}

await play({
  tool: async () => (await ask(prompt)).result,
  again: async () => {
    const { session_id } = await ask(firstPrompt);
    return (await ask(prompt, { resume: session_id })).result;
  },
  stream: async () => (await ask(prompt, { includePartialMessages: true })).result,
  delegate: async () => (await ask(prompt)).result,
});
