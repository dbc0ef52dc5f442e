/** What agent frameworks give back for a run of several calls: all of them are booked, not the last alone. */
import type { RecordedResult } from "./recorded.ts";
import type { Fields } from "./wire.ts";

/** A usage of the OpenAI Agents SDK. */
const agentsUsage = (requests: number, inputTokens: number, outputTokens: number, more: Fields = {}): Fields => ({
  requests,
  inputTokens,
  outputTokens,
  totalTokens: inputTokens + outputTokens,
  inputTokensDetails: [],
  outputTokensDetails: [],
  ...more,
});

const openaiAgents: readonly RecordedResult[] = [
  {
    name: "openai agents: a run of two calls, by its responses and its state",
    result: {
      finalOutput: "Olá!",
      rawResponses: [
        { usage: agentsUsage(1, 100, 45), output: [], responseId: "resp_1" },
        { usage: agentsUsage(1, 200, 55), output: [], responseId: "resp_2" },
      ],
      state: { usage: agentsUsage(2, 300, 100) },
    },
    usage: { input: 300, output: 100 },
    source: "https://github.com/scaleapi/scale-agentex-python/pull/417",
  },
  {
    name: "openai agents: a run of two calls, by its responses only",
    result: {
      finalOutput: "Olá!",
      rawResponses: [{ usage: agentsUsage(1, 100, 45) }, { usage: agentsUsage(1, 200, 55) }],
    },
    usage: { input: 300, output: 100 },
  },
  {
    name: "openai agents: cached tokens and reasoning of each call, as lists",
    result: {
      rawResponses: [
        {
          usage: agentsUsage(1, 1_000, 45, {
            inputTokensDetails: [{ cached_tokens: 0, cache_write_tokens: 900 }],
            outputTokensDetails: [{ reasoning_tokens: 20 }],
          }),
        },
        {
          usage: agentsUsage(1, 1_100, 55, {
            inputTokensDetails: [{ cached_tokens: 900 }],
            outputTokensDetails: [{ reasoning_tokens: 30 }],
          }),
        },
      ],
      state: {
        usage: agentsUsage(2, 2_100, 100, {
          inputTokensDetails: [{ cached_tokens: 0, cache_write_tokens: 900 }, { cached_tokens: 900 }],
          outputTokensDetails: [{ reasoning_tokens: 20 }, { reasoning_tokens: 30 }],
        }),
      },
    },
    usage: { input: 2_100, output: 100, cacheRead: 900, cacheWrite: 900, reasoning: 50 },
  },
  {
    name: "openai agents: a run whose tool is an agent, which only its state counts",
    result: {
      rawResponses: [{ usage: agentsUsage(1, 100, 45) }, { usage: agentsUsage(1, 200, 55) }],
      runContext: { usage: agentsUsage(3, 380, 120) },
      state: { usage: agentsUsage(3, 380, 120) },
    },
    usage: { input: 380, output: 120 },
  },
];

/** A message of a model, as LangChain's messages say its usage. */
const ai = (input_tokens: number, output_tokens: number, more: Fields = {}): Fields => ({
  type: "ai",
  content: "Olá!",
  usage_metadata: { input_tokens, output_tokens, total_tokens: input_tokens + output_tokens, ...more },
});
const human = { type: "human", content: "Say hello." };
const tool = { type: "tool", content: "sunny", tool_call_id: "call_1" };

const langchain: readonly RecordedResult[] = [
  {
    name: "langchain: a message, with the cache and reasoning in its details",
    result: ai(350, 20, {
      input_token_details: { cache_read: 300, cache_creation: 40 },
      output_token_details: { reasoning: 7 },
    }),
    usage: { input: 350, output: 20, cacheRead: 300, cacheWrite: 40, reasoning: 7 },
  },
  {
    name: "langchain: a message of Gemini, whose total exceeds the parts",
    result: { ...ai(30, 12), usage_metadata: { input_tokens: 30, output_tokens: 12, total_tokens: 142 } },
    usage: { input: 30, output: 112 },
  },
  {
    name: "langchain: a message that says its usage in the metadata of its response only",
    result: {
      type: "ai",
      content: "Olá!",
      response_metadata: { tokenUsage: { promptTokens: 30, completionTokens: 12, totalTokens: 42 } },
    },
    usage: { input: 30, output: 12 },
  },
  {
    name: "langchain: a message of Anthropic that was written for an hour, as the metadata of its response says",
    result: {
      ...ai(1_010, 20, { input_token_details: { cache_creation: 1_000, cache_read: 0 } }),
      response_metadata: {
        model_provider: "anthropic",
        usage: {
          input_tokens: 10,
          cache_creation_input_tokens: 1_000,
          cache_read_input_tokens: 0,
          cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 1_000 },
          output_tokens: 20,
        },
      },
    },
    usage: { input: 1_010, output: 20, cacheWrite: 1_000, cacheWrite1h: 1_000 },
  },
  {
    name: "langchain: the output of a model, with all generations in one report",
    result: {
      generations: [[{ text: "Olá!" }]],
      llmOutput: { tokenUsage: { promptTokens: 30, completionTokens: 12, totalTokens: 42 } },
    },
    usage: { input: 30, output: 12 },
  },
  {
    name: "langchain: an agent's state, which is all of its messages",
    result: { messages: [human, ai(100, 45), tool, ai(200, 55)] },
    usage: { input: 300, output: 100 },
    source: "https://github.com/strands-agents/harness-sdk/issues/4299",
  },
  {
    name: "langchain: an agent's state with an object of its answer beside",
    result: { messages: [human, ai(100, 45), tool, ai(200, 55)], structuredResponse: { city: "Lisbon" } },
    usage: { input: 300, output: 100 },
  },
  {
    name: "langgraph: the state of a supervisor, with the cache of each message",
    result: {
      messages: [
        human,
        ai(1_000, 45, { input_token_details: { cache_creation: 900 } }),
        tool,
        { ...ai(1_100, 55, { input_token_details: { cache_read: 900 } }), name: "writer" },
      ],
      next: "FINISH",
    },
    usage: { input: 2_100, output: 100, cacheRead: 900, cacheWrite: 900 },
  },
  {
    name: "langgraph: a state in which no message says its usage",
    result: { messages: [human, { type: "ai", content: "Olá!" }] },
    usage: null,
  },
  {
    // The first turn was booked when it was made: the state does not say where this call began.
    name: "langgraph: the state of a second turn, with the messages of the first",
    result: { messages: [human, ai(100, 45), human, ai(200, 55)] },
    usage: { input: 200, output: 55 },
    disputed: true,
  },
];

/** A step of Mastra, with the counters of its own. */
const mastraUsage = {
  inputTokens: 1_100,
  outputTokens: 55,
  totalTokens: 1_155,
  reasoningTokens: 10,
  cachedInputTokens: 800,
  cacheCreationInputTokens: 200,
  cacheCreationInputTokens5m: 50,
  cacheCreationInputTokens1h: 150,
};

const mastra: readonly RecordedResult[] = [
  {
    name: "mastra: a run of two steps, whose usage is of the last",
    result: {
      text: "Olá!",
      steps: [{ usage: { inputTokens: 100, outputTokens: 45 } }, { usage: { inputTokens: 200, outputTokens: 55 } }],
      usage: { inputTokens: 200, outputTokens: 55, totalTokens: 255 },
      totalUsage: { inputTokens: 300, outputTokens: 100, totalTokens: 400 },
    },
    usage: { input: 300, output: 100 },
  },
  {
    name: "mastra: a run with the cache and its lifetimes",
    result: { text: "Olá!", usage: mastraUsage, totalUsage: mastraUsage },
    usage: { input: 1_100, output: 55, cacheRead: 800, cacheWrite: 200, cacheWrite1h: 150, reasoning: 10 },
  },
];

const llamaindex: readonly RecordedResult[] = [
  {
    name: "llamaindex: a chat of OpenAI, whose usage is in its raw answer",
    result: {
      message: { role: "assistant", content: "Olá!" },
      raw: {
        object: "chat.completion",
        usage: {
          prompt_tokens: 100,
          completion_tokens: 50,
          total_tokens: 150,
          prompt_tokens_details: { cached_tokens: 80 },
        },
      },
    },
    usage: { input: 100, output: 50, cacheRead: 80 },
  },
  {
    name: "llamaindex: a chat of Anthropic, whose usage is in its raw answer",
    result: {
      message: { role: "assistant", content: "Olá!" },
      raw: { type: "message", usage: { input_tokens: 10, cache_read_input_tokens: 300, output_tokens: 20 } },
    },
    usage: { input: 310, output: 20, cacheRead: 300 },
  },
  {
    name: "llamaindex: a chat without a raw answer",
    result: { message: { role: "assistant", content: "Olá!" }, raw: null },
    usage: null,
  },
];

/** The last message of the Claude Agent SDK. Its counts by model are without the cache, as Anthropic's are. */
const claudeResult = (usage: Fields, modelUsage: Fields): Fields => ({
  type: "result",
  subtype: "success",
  is_error: false,
  num_turns: 3,
  result: "Olá!",
  total_cost_usd: 0.0119,
  usage,
  modelUsage,
});
const opus = {
  inputTokens: 700,
  outputTokens: 70,
  cacheReadInputTokens: 400,
  cacheCreationInputTokens: 100,
  webSearchRequests: 0,
  costUSD: 0.0119,
  contextWindow: 200_000,
};

const claudeAgent: readonly RecordedResult[] = [
  {
    name: "claude agent sdk: a run of several turns of one model",
    result: claudeResult(
      { input_tokens: 700, cache_read_input_tokens: 400, cache_creation_input_tokens: 100, output_tokens: 70 },
      { "claude-opus-5-5": opus },
    ),
    usage: { input: 1_200, output: 70, cacheRead: 400, cacheWrite: 100 },
  },
  {
    name: "claude agent sdk: a run that stopped at its most turns",
    result: {
      ...claudeResult(
        { input_tokens: 700, cache_read_input_tokens: 400, cache_creation_input_tokens: 100, output_tokens: 70 },
        { "claude-opus-5-5": opus },
      ),
      subtype: "error_max_turns",
      is_error: true,
      errors: ["Reached maximum number of turns"],
    },
    usage: { input: 1_200, output: 70, cacheRead: 400, cacheWrite: 100 },
  },
  {
    // `usage` is of the main loop alone; `modelUsage` counts sub-agents too, of models with prices of their own.
    name: "claude agent sdk: a run with a sub-agent of another model",
    result: claudeResult(
      { input_tokens: 700, cache_read_input_tokens: 400, cache_creation_input_tokens: 100, output_tokens: 70 },
      {
        "claude-opus-5-5": opus,
        "claude-haiku-5-5": {
          ...opus,
          inputTokens: 300,
          outputTokens: 30,
          cacheReadInputTokens: 0,
          cacheCreationInputTokens: 0,
        },
      },
    ),
    usage: { input: 1_500, output: 100, cacheRead: 400, cacheWrite: 100 },
    disputed: true,
  },
];

export const agentResults: readonly RecordedResult[] = [
  ...openaiAgents,
  ...langchain,
  ...mastra,
  ...llamaindex,
  ...claudeAgent,
];
