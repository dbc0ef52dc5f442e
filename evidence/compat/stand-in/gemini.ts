/** Google's generateContent. */
import { type Api, isObject, listOf, newId, Rejected, word } from "./api.ts";
import type { Json, Reply, Said, Tool, Usage } from "./turn.ts";

export const gemini: Api = {
  path: /^\/v1(?:beta)?\/models\/[^/:]+:(?:generateContent|streamGenerateContent)$/,
  reasons: true,
  writes: false,
  modelOf: (_, path) => /models\/([^/:]+):/.exec(path)?.[1] ?? "",
  isStream: (_, path) => path.endsWith(":streamGenerateContent"),
  read({ body }) {
    if (!Array.isArray(body["contents"])) throw new Rejected(400, "contents is not specified");
    const config = isObject(body["generationConfig"]) ? body["generationConfig"] : {};
    return {
      said: listOf(body["contents"]).flatMap(saidIn),
      tools: listOf(body["tools"]).flatMap((tool) =>
        listOf(tool["functionDeclarations"] ?? tool["function_declarations"]).map(toolOf),
      ),
      limit: typeof config["maxOutputTokens"] === "number" ? config["maxOutputTokens"] : undefined,
    };
  },
  whole: ({ model }, reply, usage) => ({
    ...frameOf(model),
    candidates: [candidate(partsOf(reply), finishOf(reply))],
    usageMetadata: usageIn(usage),
  }),
  events({ model }, reply, usage) {
    const frame = frameOf(model);
    const calls = partsOf({ ...reply, pieces: [] });
    return {
      before: [],
      pieces: reply.pieces.map((text) => [{ data: { ...frame, candidates: [candidate([{ text }])] } }]),
      after: [
        {
          data: {
            ...frame,
            candidates: [candidate(calls.length > 0 ? calls : [{ text: "" }], finishOf(reply))],
            usageMetadata: usageIn(usage),
          },
        },
      ],
    };
  },
  error: (status, message) => ({
    error: { code: status, message, status: status === 401 ? "UNAUTHENTICATED" : "INVALID_ARGUMENT" },
  }),
};

function saidIn(content: Json): Said[] {
  return listOf(content["parts"]).flatMap((part): Said[] => {
    if (isObject(part["functionResponse"]))
      return [{ by: "result", text: JSON.stringify(part["functionResponse"]["response"] ?? "") }];
    if (isObject(part["functionCall"])) return [{ by: "call", name: word(part["functionCall"]["name"]) }];
    return typeof part["text"] === "string"
      ? [{ by: content["role"] === "model" ? "model" : "user", text: part["text"] }]
      : [];
  });
}

function toolOf(tool: Json): Tool {
  return {
    name: word(tool["name"]),
    description: word(tool["description"]),
    schema: lowered(tool["parametersJsonSchema"] ?? tool["parameters"] ?? {}) as Json,
  };
}

/** Gemini's schemas name their types in capitals. */
function lowered(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(lowered);
  if (!isObject(schema)) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [
      name,
      name === "type" && typeof value === "string" ? value.toLowerCase() : lowered(value),
    ]),
  );
}

const finishOf = (reply: Reply): string => (reply.isCut ? "MAX_TOKENS" : "STOP");
const frameOf = (model: string): Json => ({ responseId: newId("resp"), modelVersion: model });
const candidate = (parts: readonly Json[], finishReason?: string): Json => ({
  index: 0,
  content: { role: "model", parts },
  ...(finishReason === undefined ? {} : { finishReason }),
});

function partsOf(reply: Reply): Json[] {
  return [
    ...(reply.pieces.length > 0 ? [{ text: reply.pieces.join("") }] : []),
    ...reply.calls.map(({ tool, input }) => ({
      functionCall: { name: tool.name, args: input },
      thoughtSignature: "c3RhbmQtaW4=",
    })),
  ];
}

/** Reasoning is beside the candidates' tokens. */
function usageIn(usage: Usage): Json {
  const promptTokenCount = usage.input + usage.cacheRead;
  return {
    promptTokenCount,
    cachedContentTokenCount: usage.cacheRead,
    candidatesTokenCount: usage.output - usage.reasoning,
    thoughtsTokenCount: usage.reasoning,
    totalTokenCount: promptTokenCount + usage.output,
  };
}
