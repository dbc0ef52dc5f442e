// The OpenAI SDK: its tool runner and streams, and a tool loop over the Responses API.
import OpenAI from "openai";
import { firstPrompt, key, lookup, lookupDescription, lookupSchema, play, prompt, url, variant } from "./common.mjs";

const openai = new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: key });
const model = variant === "chat" ? "gpt-4o" : "gpt-5.5";

const chat = (messages) =>
  openai.chat.completions.runTools({
    model,
    messages,
    tools: [{ type: "function", function: { function: lookup, parse: JSON.parse, name: "lookup", description: lookupDescription, parameters: lookupSchema } }],
  });

async function chatTwice() {
  const first = chat([{ role: "user", content: firstPrompt }]);
  await first.finalContent();
  const messages = [...first.messages, { role: "user", content: prompt }];
  const stream = openai.chat.completions.stream({ model, messages });
  return stream.finalContent();
}

async function chatStream() {
  const stream = await openai.chat.completions.create({ model, stream: true, messages: [{ role: "user", content: prompt }] });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  return text;
}

const tools = [{ type: "function", name: "lookup", description: lookupDescription, parameters: lookupSchema, strict: true }];

/** A loop as OpenAI's guide has it: the whole output goes back. */
async function respond(input) {
  for (;;) {
    const answer = await openai.responses.create({ model, input, tools });
    input.push(...answer.output);
    const calls = answer.output.filter(({ type }) => type === "function_call");
    if (calls.length === 0) return answer.output_text;
    for (const { call_id, arguments: text } of calls) input.push({ type: "function_call_output", call_id, output: lookup(JSON.parse(text)) });
  }
}

async function respondTwice() {
  const input = [{ role: "user", content: firstPrompt }];
  await respond(input);
  input.push({ role: "user", content: prompt });
  return respond(input);
}

async function respondStream() {
  const stream = openai.responses.stream({ model, input: prompt });
  const { output_text } = await stream.finalResponse();
  return output_text;
}

await play(
  variant === "chat"
    ? { tool: () => chat([{ role: "user", content: prompt }]).finalContent(), again: chatTwice, stream: chatStream }
    : { tool: () => respond([{ role: "user", content: prompt }]), again: respondTwice, stream: respondStream },
);
