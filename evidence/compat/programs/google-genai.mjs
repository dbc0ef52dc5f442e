// Google's Gen AI SDK: a tool loop, a stream and a chat.
import { GoogleGenAI } from "@google/genai";
import { firstPrompt, key, lookup, lookupDescription, lookupSchema, play, prompt, url } from "./common.mjs";

const google = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: `${url}/gemini` } });
const model = "gemini-2.5-pro";
const config = { tools: [{ functionDeclarations: [{ name: "lookup", description: lookupDescription, parametersJsonSchema: lookupSchema }] }] };

async function loop(chat, message) {
  const answer = await chat.sendMessage({ message });
  const calls = answer.functionCalls ?? [];
  if (calls.length === 0) return answer.text;
  return loop(chat, calls.map(({ id, name, args }) => ({ functionResponse: { id, name, response: { result: lookup(args) } } })));
}

await play({
  tool: () => loop(google.chats.create({ model, config }), prompt),
  again: async () => {
    const chat = google.chats.create({ model, config });
    await loop(chat, firstPrompt);
    return loop(chat, prompt);
  },
  stream: async () => {
    let text = "";
    for await (const chunk of await google.models.generateContentStream({ model, contents: prompt })) text += chunk.text ?? "";
    return text;
  },
});
