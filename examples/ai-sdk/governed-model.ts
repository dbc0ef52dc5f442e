/**
 * A model of the AI SDK, governed by middleware: output is limited to what was granted, usage is booked when the
 * answer or the stream ends. Needs BURSAR_URL and BURSAR_KEY, and OPENAI_API_KEY (OPENAI_BASE_URL for another server).
 */
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, streamText, wrapLanguageModel } from "ai";
import { Bursar } from "bursar";
import { governed } from "bursar/ai";

const { OPENAI_API_KEY: apiKey = "", OPENAI_BASE_URL: baseURL = "https://api.openai.com/v1" } = process.env;
if (apiKey === "") throw new Error("Set OPENAI_API_KEY, the key of your provider.");

const bursar = new Bursar({ url: process.env["BURSAR_URL"] ?? "", key: process.env["BURSAR_KEY"] ?? "" });
const pool = bursar.pool(`ai-sdk-${Date.now()}`);
await pool.configure();
await pool.register("writer", { priority: 1, max_tokens: 20_000 });

const model = wrapLanguageModel({
  model: createOpenAI({ apiKey, baseURL }).chat("gpt-5-mini"),
  middleware: governed(pool, "writer"),
});

const { text } = await generateText({ model, prompt: "What does a bursar do?" });
console.log(text);

const stream = streamText({ model, prompt: "And in one word?" });
for await (const part of stream.textStream) process.stdout.write(part);
console.log(`\n${JSON.stringify(await pool.summary())}`);
