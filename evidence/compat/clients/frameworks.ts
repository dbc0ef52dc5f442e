/** SDKs and frameworks: each runs a program of `evidence/compat/programs` that uses it as its documentation says. */
import { basename } from "node:path";
import type { Client, Scenario } from "./client.ts";

type Api = Client["api"];
type Entry = Pick<Client, "title" | "packages" | "environment" | "quiet" | "needs"> & {
  /** In `evidence/compat`. */
  readonly program: string;
  readonly api: Api;
  readonly installedAs: string;
  readonly id?: string;
  readonly without?: readonly Scenario[];
  readonly searches?: boolean;
};

const openAiEnvironment = { OPENAI_BASE_URL: "$BURSAR_URL/openai/v1", OPENAI_API_KEY: "$AGENT_KEY" };
const anthropicEnvironment = { ANTHROPIC_BASE_URL: "$BURSAR_URL/anthropic", ANTHROPIC_API_KEY: "$AGENT_KEY" };

function framework(entry: Entry): Client {
  const {
    title,
    packages,
    api,
    program,
    installedAs,
    without = [],
    searches = false,
    environment,
    quiet,
    needs,
  } = entry;
  const scenarios = (["tool", "again", "stream", "delegate", "search"] as const).filter(
    (one) => !without.includes(one) && (one !== "search" || searches),
  );
  const command = (scenario: Scenario) => ["node", `$CLIENT/${program}`, scenario, api, "$PROMPT"];
  return {
    id: entry.id ?? `${basename(program, ".mjs")}-${api}`,
    title: `${title} (${api})`,
    packages,
    installedAs,
    api,
    environment: { BURSAR_URL: "$BURSAR_URL", AGENT_KEY: "$AGENT_KEY", ...environment },
    ...(quiet === undefined ? {} : { quiet }),
    ...(needs === undefined ? {} : { needs }),
    commands: Object.fromEntries(scenarios.map((scenario) => [scenario, command(scenario)])),
  };
}

const forEach = (apis: readonly Api[], entry: Omit<Entry, "api">): Client[] =>
  apis.map((api) =>
    // OpenAI's chat completions have no tool that searches.
    framework({ ...entry, api, searches: entry.searches === true && api !== "chat" }),
  );

export const frameworks: readonly Client[] = [
  framework({
    title: "Claude Agent SDK",
    packages: ["@anthropic-ai/claude-agent-sdk"],
    installedAs: "agent-sdk",
    program: "programs/agent-sdk.mjs",
    api: "messages",
    environment: anthropicEnvironment,
    quiet: { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" },
  }),
  ...forEach(["chat", "responses"], {
    title: "OpenAI SDK",
    packages: ["openai"],
    installedAs: "openai-sdk",
    program: "programs/openai-sdk.mjs",
    without: ["delegate"],
  }),
  framework({
    id: "openai-sdk-previous",
    title: "OpenAI SDK, previous_response_id",
    packages: ["openai"],
    installedAs: "openai-sdk",
    program: "programs/openai-previous.mjs",
    api: "responses",
    without: ["delegate", "stream"],
  }),
  framework({
    title: "Anthropic SDK, toolRunner",
    packages: ["@anthropic-ai/sdk"],
    installedAs: "anthropic-sdk",
    program: "programs/anthropic-sdk.mjs",
    api: "messages",
    without: ["delegate"],
  }),
  ...forEach(["responses", "chat", "messages"], {
    title: "AI SDK 7",
    packages: ["ai@7", "@ai-sdk/openai", "@ai-sdk/anthropic"],
    installedAs: "ai-sdk-7",
    program: "programs/ai-sdk.mjs",
    searches: true,
  }),
  ...forEach(["responses", "chat", "messages"], {
    title: "AI SDK 6",
    packages: ["ai@6", "@ai-sdk/openai@3", "@ai-sdk/anthropic@3"],
    installedAs: "ai-sdk-6",
    program: "programs/ai-sdk.mjs",
    searches: true,
  }).map((one) => ({ ...one, id: one.id.replace("ai-sdk", "ai-sdk-6") })),
  framework({
    title: "Mastra",
    packages: ["@mastra/core", "zod"],
    installedAs: "mastra",
    program: "programs/mastra.mjs",
    api: "responses",
    environment: openAiEnvironment,
    quiet: { MASTRA_TELEMETRY_DISABLED: "1" },
  }),
  framework({
    title: "Mastra",
    packages: ["@mastra/core", "zod"],
    installedAs: "mastra",
    program: "programs/mastra.mjs",
    api: "messages",
    environment: { ANTHROPIC_BASE_URL: "$BURSAR_URL/anthropic/v1", ANTHROPIC_API_KEY: "$AGENT_KEY" },
    quiet: { MASTRA_TELEMETRY_DISABLED: "1" },
  }),
  ...forEach(["responses", "chat"], {
    title: "OpenAI Agents SDK",
    packages: ["@openai/agents", "zod"],
    installedAs: "openai-agents",
    program: "programs/openai-agents.mjs",
    environment: openAiEnvironment,
    // It would send traces to OpenAI with the key that it has, which is Bursar's.
    needs: ["OPENAI_AGENTS_DISABLE_TRACING=1"],
    quiet: { OPENAI_AGENTS_DISABLE_TRACING: "1" },
  }),
  ...forEach(["chat", "responses", "messages"], {
    title: "LangChain and LangGraph",
    packages: [
      "langchain",
      "@langchain/core",
      "@langchain/langgraph",
      "@langchain/langgraph-supervisor",
      "@langchain/openai",
      "@langchain/anthropic",
      "zod",
    ],
    installedAs: "langchain",
    program: "programs/langchain.mjs",
  }),
  ...forEach(["chat", "responses", "messages"], {
    title: "LlamaIndex",
    packages: ["llamaindex", "@llamaindex/openai", "@llamaindex/anthropic", "@llamaindex/workflow", "zod"],
    installedAs: "llamaindex",
    program: "programs/llamaindex.mjs",
    // Its Anthropic class takes no other base URL.
    environment: { ANTHROPIC_BASE_URL: "$BURSAR_URL/anthropic" },
    without: ["delegate"],
  }),
  framework({
    title: "Google Gen AI SDK",
    packages: ["@google/genai"],
    installedAs: "google-genai",
    program: "programs/google-genai.mjs",
    api: "gemini",
    without: ["delegate"],
  }),
];
