/** Gemini's own dialect: generateContent and streamGenerateContent, of the Gemini API and of Vertex. */
import { type RecordedAnswer, recorded, type Written } from "./recorded.ts";
import { data, type Fields } from "./wire.ts";

const model = "gemini-3-flash-preview";
const request = { contents: [{ role: "user", parts: [{ text: "Say hello to the people of Lisbon." }] }] };
const wholePath = `models/${model}:generateContent`;
const streamPath = `models/${model}:streamGenerateContent?alt=sse`;

const content = (parts: readonly Fields[]): Fields => ({ role: "model", parts });
const answer = (
  parts: readonly Fields[],
  usageMetadata: unknown,
  more: Fields = {},
  candidate: Fields = {},
): Fields => ({
  candidates: [{ content: content(parts), index: 0, ...candidate }],
  usageMetadata,
  modelVersion: model,
  responseId: "wEvKaLLbD8",
  ...more,
});
const reported = (input: number, output: number, more: Fields = {}): Written["booked"] => ({
  usage: { input, output, ...more },
  reported: true,
});
const whole = (name: string, usageMetadata: unknown, booked: Written["booked"], more: Fields = {}): Written => ({
  name,
  request,
  path: wholePath,
  body: JSON.stringify(answer([{ text: "Olá, Lisboa!" }], usageMetadata, more, { finishReason: "STOP" })),
  booked,
});
const text = (modality: string, tokenCount: number): Fields => ({ modality, tokenCount });
const stop = { finishReason: "STOP" };

const wholes: readonly Written[] = [
  whole(
    "a whole answer",
    {
      promptTokenCount: 10,
      candidatesTokenCount: 5,
      totalTokenCount: 15,
      promptTokensDetails: [text("TEXT", 10)],
      candidatesTokensDetails: [text("TEXT", 5)],
    },
    reported(10, 5),
  ),
  whole(
    "thoughts beside the candidates",
    { promptTokenCount: 10, candidatesTokenCount: 5, thoughtsTokenCount: 480, totalTokenCount: 495 },
    reported(10, 485, { reasoning: 480 }),
  ),
  whole(
    "cached content, which the prompt contains",
    {
      promptTokenCount: 4_100,
      cachedContentTokenCount: 4_000,
      candidatesTokenCount: 5,
      totalTokenCount: 4_105,
      cacheTokensDetails: [text("TEXT", 4_000)],
    },
    reported(4_100, 5, { cacheRead: 4_000 }),
  ),
  whole(
    "the results of tools, which are input beside the prompt",
    {
      promptTokenCount: 10,
      toolUsePromptTokenCount: 3_200,
      candidatesTokenCount: 40,
      thoughtsTokenCount: 100,
      totalTokenCount: 3_350,
      toolUsePromptTokensDetails: [text("TEXT", 3_200)],
    },
    reported(3_210, 140, { reasoning: 100 }),
  ),
  whole(
    "a total that exceeds the parts",
    { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 120 },
    reported(10, 110),
  ),
  whole(
    "no candidates' tokens, since all went into thoughts",
    { promptTokenCount: 10, thoughtsTokenCount: 1_020, totalTokenCount: 1_030 },
    reported(10, 1_020, { reasoning: 1_020 }),
  ),
  whole("a prompt and a total", { promptTokenCount: 10, totalTokenCount: 15 }, reported(10, 5)),
  whole("no total", { promptTokenCount: 10, candidatesTokenCount: 5 }, reported(10, 5)),
  whole("no usage", undefined, { estimated: true, delivered: "Olá, Lisboa!" }),
  whole(
    "another version than was asked for",
    { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 },
    { usage: { input: 10, output: 5 }, reported: true, model: "gemini-3-flash-preview-09-2026" },
    { modelVersion: "gemini-3-flash-preview-09-2026" },
  ),
  whole(
    "the flex tier",
    { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15, serviceTier: "flex" },
    { usage: { input: 10, output: 5 }, reported: true, tier: "flex" },
  ),
  whole(
    "the standard tier",
    { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15, serviceTier: "standard" },
    reported(10, 5),
  ),
  {
    name: "two candidates in one report",
    request: { ...request, generationConfig: { candidateCount: 2 } },
    path: wholePath,
    body: JSON.stringify({
      candidates: [0, 1].map((index) => ({ content: content([{ text: "Olá!" }]), index, ...stop })),
      usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 8, totalTokenCount: 18 },
      modelVersion: model,
    }),
    booked: reported(10, 8),
  },
  {
    name: "a prompt that was blocked",
    request,
    path: wholePath,
    body: JSON.stringify({
      promptFeedback: { blockReason: "PROHIBITED_CONTENT" },
      usageMetadata: { promptTokenCount: 10, totalTokenCount: 10 },
      modelVersion: model,
    }),
    booked: reported(10, 0),
  },
  {
    name: "a malformed call of a function, without content",
    request,
    path: wholePath,
    body: JSON.stringify({
      candidates: [{ content: {}, finishReason: "MALFORMED_FUNCTION_CALL", index: 0 }],
      usageMetadata: { promptTokenCount: 10, thoughtsTokenCount: 60, totalTokenCount: 70 },
      modelVersion: model,
    }),
    booked: reported(10, 60, { reasoning: 60 }),
  },
  {
    name: "an error as a whole answer",
    request,
    path: wholePath,
    body: JSON.stringify({ error: { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" } }),
    booked: { free: true },
  },
];

/** A stream of `parts`, each with the report beside it. */
const stream = (name: string, parts: readonly Fields[], booked: Written["booked"]): Written => ({
  name,
  request,
  path: streamPath,
  events: parts.map(data),
  booked,
  ...("usage" in booked ? { finalAt: parts.length - 1 } : {}),
});

const streams: readonly Written[] = [
  stream(
    "a stream with a report in each event",
    [
      answer([{ text: "Olá" }], { promptTokenCount: 10, candidatesTokenCount: 1, totalTokenCount: 11 }),
      answer([{ text: ", Lisboa" }], { promptTokenCount: 10, candidatesTokenCount: 4, totalTokenCount: 14 }),
      answer([{ text: "!" }], { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 }, {}, stop),
    ],
    reported(10, 5),
  ),
  stream(
    "a stream with a report in its last event only",
    [
      answer([{ text: "Olá" }], undefined),
      answer([{ text: "!" }], { promptTokenCount: 10, candidatesTokenCount: 3, totalTokenCount: 13 }, {}, stop),
    ],
    reported(10, 3),
  ),
  stream(
    "a stream of thoughts and text, whose thoughts are first in the total only",
    [
      answer([{ text: "They speak Portuguese.", thought: true }], {
        promptTokenCount: 10,
        totalTokenCount: 210,
        thoughtsTokenCount: 200,
      }),
      answer([{ text: "Olá!" }], {
        promptTokenCount: 10,
        candidatesTokenCount: 3,
        totalTokenCount: 213,
        thoughtsTokenCount: 200,
      }),
      answer(
        [{ text: "", thoughtSignature: "CiQBcsjafPi2" }],
        { promptTokenCount: 10, candidatesTokenCount: 3, totalTokenCount: 213, thoughtsTokenCount: 200 },
        {},
        stop,
      ),
    ],
    reported(10, 203, { reasoning: 200 }),
  ),
  stream(
    "a stream of a function call",
    [
      answer(
        [{ functionCall: { name: "get_weather", args: { city: "Lisbon" } }, thoughtSignature: "CiQBcsjafPi2" }],
        { promptTokenCount: 58, candidatesTokenCount: 17, thoughtsTokenCount: 30, totalTokenCount: 105 },
        {},
        stop,
      ),
    ],
    reported(58, 47, { reasoning: 30 }),
  ),
  stream(
    "a stream whose cached content the first event says only",
    [
      answer([{ text: "Olá" }], { promptTokenCount: 4_100, cachedContentTokenCount: 4_000, totalTokenCount: 4_100 }),
      answer([{ text: "!" }], { promptTokenCount: 4_100, candidatesTokenCount: 3, totalTokenCount: 4_103 }, {}, stop),
    ],
    reported(4_100, 3, { cacheRead: 4_000 }),
  ),
  stream(
    "a stream that ends in the middle of its text",
    [
      answer([{ text: "Olá, " }], { promptTokenCount: 10, candidatesTokenCount: 2, totalTokenCount: 12 }),
      answer([{ text: "povo" }], { promptTokenCount: 10, candidatesTokenCount: 3, totalTokenCount: 13 }),
    ],
    { estimated: true, delivered: "Olá, povo", atLeast: { input: 10, output: 3 } },
  ),
  stream(
    "a stream that ends in the middle of its thoughts",
    [
      answer([{ text: "They speak Portuguese.", thought: true }], {
        promptTokenCount: 10,
        thoughtsTokenCount: 90,
        totalTokenCount: 100,
      }),
    ],
    { estimated: true, delivered: "They speak Portuguese.", atLeast: { input: 10, output: 90, reasoning: 90 } },
  ),
  stream(
    "an error as the first event",
    [{ error: { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" } }],
    { free: true },
  ),
  stream(
    "an error after a part of the text, without a report",
    [
      answer([{ text: "Olá, povo" }], undefined),
      { error: { code: 500, message: "Internal error.", status: "INTERNAL" } },
    ],
    { estimated: true, delivered: "Olá, povo" },
  ),
  stream("a stream that finishes without usage", [answer([{ text: "Olá, povo!" }], undefined, {}, stop)], {
    estimated: true,
    delivered: "Olá, povo!",
  }),
  stream("a stream that closes without a byte", [], { free: true }),
  stream(
    "a stream that was stopped for safety",
    [
      answer([{ text: "Era uma vez" }], { promptTokenCount: 10, candidatesTokenCount: 4, totalTokenCount: 14 }),
      {
        candidates: [{ finishReason: "SAFETY", index: 0 }],
        usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 4, totalTokenCount: 14 },
        modelVersion: model,
      },
    ],
    reported(10, 4),
  ),
  {
    name: "a stream that is a list of JSON, since it was not asked for as events",
    request,
    path: `models/${model}:streamGenerateContent`,
    contentType: "application/json",
    body: `[${[
      answer([{ text: "Olá" }], { promptTokenCount: 10, candidatesTokenCount: 1, totalTokenCount: 11 }),
      answer([{ text: "!" }], { promptTokenCount: 10, candidatesTokenCount: 3, totalTokenCount: 13 }, {}, stop),
    ]
      .map((one) => JSON.stringify(one))
      .join("\n,\r\n")}\n]`,
    booked: reported(10, 3),
  },
];

const vertexTraffic = (trafficType: string, booked: Written["booked"]): Written =>
  whole(
    `traffic of the type ${trafficType}`,
    { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15, trafficType },
    booked,
  );

export const answers: readonly RecordedAnswer[] = [
  ...recorded("gemini", "gemini", [...wholes, ...streams]),
  ...recorded("gemini", "vertex", [
    vertexTraffic("ON_DEMAND", reported(10, 5)),
    vertexTraffic("ON_DEMAND_PRIORITY", { usage: { input: 10, output: 5 }, reported: true, tier: "priority" }),
    vertexTraffic("ON_DEMAND_FLEX", { usage: { input: 10, output: 5 }, reported: true, tier: "flex" }),
  ]),
];
