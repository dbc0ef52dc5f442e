// The OpenAI SDK with history that the provider keeps: each call names the response before it.
import OpenAI from "openai";
import { firstPrompt, key, lookup, lookupDescription, lookupSchema, play, prompt, url } from "./common.mjs";

const openai = new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: key });
const tools = [{ type: "function", name: "lookup", description: lookupDescription, parameters: lookupSchema, strict: true }];
let previous_response_id;

async function respond(input) {
  const answer = await openai.responses.create({ model: "gpt-5.5", input, tools, previous_response_id });
  previous_response_id = answer.id;
  const calls = answer.output.filter(({ type }) => type === "function_call");
  if (calls.length === 0) return answer.output_text;
  return respond(calls.map(({ call_id, arguments: text }) => ({ type: "function_call_output", call_id, output: lookup(JSON.parse(text)) })));
}

await play({
  tool: () => respond(prompt),
  again: async () => {
    await respond(firstPrompt);
    return respond(prompt);
  },
});
