/** The coding agents that run in a terminal. */
import type { Client, Command } from "./client.ts";

const bin = (name: string): string => `$CLIENT/node_modules/.bin/${name}`;

/** The same command for every first prompt, and one for a second turn. */
function commands(first: Command, again?: Command, { delegates = true, searches = false } = {}): Client["commands"] {
  return {
    tool: first,
    stream: first,
    ...(again === undefined ? {} : { again }),
    ...(delegates ? { delegate: first } : {}),
    ...(searches ? { search: first } : {}),
  };
}

const claude = (...more: string[]): Command => [
  bin("claude"),
  "-p",
  "$PROMPT",
  "--allowedTools",
  "Bash,Task,Agent,WebSearch",
  ...more,
];

const claudeCode: Client = {
  id: "claude-code",
  title: "Claude Code",
  packages: ["@anthropic-ai/claude-code"],
  api: "messages",
  environment: { ANTHROPIC_BASE_URL: "$BURSAR_URL/anthropic", ANTHROPIC_API_KEY: "$AGENT_KEY" },
  quiet: { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" },
  commands: commands(claude(), claude("--continue"), { searches: true }),
};

const unattended = ["--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"];

const codex = (id: string, model?: string): Client => ({
  id,
  title: model === undefined ? "Codex" : `Codex (${model})`,
  packages: ["@openai/codex"],
  installedAs: "codex",
  api: "responses",
  environment: { CODEX_API_KEY: "$AGENT_KEY" },
  files: {
    ".codex/config.toml": `openai_base_url = "$BURSAR_URL/openai/v1"\n${model === undefined ? "" : `model = "${model}"\n`}`,
  },
  commands: commands(
    [bin("codex"), "exec", ...unattended, "$PROMPT"],
    [bin("codex"), "exec", "resume", "--last", ...unattended, "$PROMPT"],
    { searches: model === "gpt-5.5" },
  ),
});

function openCode(id: string, title: string, api: Client["api"], model: string, provider: object): Client {
  const command = (...more: string[]): Command => [bin("opencode"), "run", "--model", model, ...more, "$PROMPT"];
  return {
    id,
    title: `OpenCode (${title})`,
    packages: ["opencode-ai"],
    installedAs: "opencode",
    api,
    files: { ".config/opencode/opencode.json": `${JSON.stringify({ provider }, null, 2)}\n` },
    quiet: { OPENCODE_DISABLE_AUTOUPDATE: "1", OPENCODE_DISABLE_MODELS_FETCH: "1" },
    commands: commands(command(), command("--continue")),
  };
}

const openAiOptions = { baseURL: "$BURSAR_URL/openai/v1", apiKey: "$AGENT_KEY" };
const anthropicOptions = { baseURL: "$BURSAR_URL/anthropic/v1", apiKey: "$AGENT_KEY" };

const qwen = (...more: string[]): Command => [
  bin("qwen"),
  "--yolo",
  "--auth-type",
  "openai",
  ...more,
  "--prompt",
  "$PROMPT",
];

const qwenCode: Client = {
  id: "qwen-code",
  title: "Qwen Code",
  packages: ["@qwen-code/qwen-code"],
  api: "chat",
  environment: {
    OPENAI_BASE_URL: "$BURSAR_URL/openai/v1",
    OPENAI_API_KEY: "$AGENT_KEY",
    OPENAI_MODEL: "qwen3-coder-plus",
  },
  quiet: { QWEN_CODE_SUPPRESS_YOLO_WARNING: "1" },
  commands: commands(qwen(), qwen("--continue")),
};

function pi(api: Client["api"], provider: string, model: string, providers: object): Client {
  const command = (...more: string[]): Command => [
    bin("pi"),
    "--provider",
    provider,
    "--model",
    model,
    ...more,
    "--print",
    "$PROMPT",
  ];
  return {
    id: `pi-${api}`,
    title: `pi (${api})`,
    packages: ["@mariozechner/pi-coding-agent"],
    installedAs: "pi",
    api,
    environment: { OPENAI_API_KEY: "$AGENT_KEY", ANTHROPIC_API_KEY: "$AGENT_KEY" },
    files: { ".pi/agent/models.json": `${JSON.stringify({ providers }, null, 2)}\n` },
    quiet: { PI_OFFLINE: "1" },
    commands: commands(command(), command("--continue"), { delegates: false }),
  };
}

function continueCli(api: Client["api"], provider: string, model: string, base: string): Client {
  const command = (...more: string[]): Command => [
    bin("cn"),
    "--print",
    "--auto",
    "--beta-subagent-tool",
    "--config",
    "$HOME/config.yaml",
    ...more,
    "$PROMPT",
  ];
  const config = `name: bursar
version: 1.0.0
schema: v1
models:
  - name: ${model}
    provider: ${provider}
    model: ${model}
    apiBase: ${base}
    apiKey: $AGENT_KEY
    roles: [chat]
`;
  return {
    id: `continue-${api}`,
    title: `Continue CLI (${api})`,
    packages: ["@continuedev/cli"],
    installedAs: "continue",
    api,
    files: { "config.yaml": config },
    quiet: { CONTINUE_TELEMETRY_ENABLED: "0" },
    commands: commands(command(), command("--resume"), { delegates: false }),
  };
}

/** It resumes a session only in its terminal interface. */
function cline(provider: string, model: string, api: Client["api"]): Client {
  return {
    id: `cline-${provider}`,
    title: `Cline CLI (${provider})`,
    packages: ["cline"],
    installedAs: "cline",
    api,
    setup: [bin("cline"), "auth", "-p", provider, "-k", "$AGENT_KEY", "-b", "$BURSAR_URL/openai/v1", "-m", model],
    quiet: { CLINE_TELEMETRY_DISABLED: "1" },
    commands: commands([bin("cline"), "$PROMPT"], undefined, { searches: provider === "openai-native" }),
  };
}

function copilot(api: Client["api"], model: string, environment: Readonly<Record<string, string>>): Client {
  const command = (...more: string[]): Command => [
    bin("copilot"),
    "--silent",
    "--allow-all-tools",
    ...more,
    "--prompt",
    "$PROMPT",
  ];
  return {
    id: `copilot-${api}`,
    title: `GitHub Copilot CLI (${api})`,
    packages: ["@github/copilot"],
    installedAs: "copilot",
    api,
    environment: { COPILOT_PROVIDER_API_KEY: "$AGENT_KEY", COPILOT_MODEL: model, ...environment },
    quiet: { COPILOT_OFFLINE: "true", COPILOT_AUTO_UPDATE: "false" },
    commands: commands(command(), command("--continue")),
  };
}

const gemini = (...more: string[]): Command => [
  bin("gemini"),
  "--skip-trust",
  "--yolo",
  "--model",
  "gemini-2.5-pro",
  ...more,
  "--prompt",
  "$PROMPT",
];

const geminiCli: Client = {
  id: "gemini-cli",
  title: "Gemini CLI",
  packages: ["@google/gemini-cli"],
  api: "gemini",
  environment: { GOOGLE_GEMINI_BASE_URL: "$BURSAR_URL/gemini", GEMINI_API_KEY: "$AGENT_KEY" },
  files: {
    ".gemini/settings.json": `${JSON.stringify({ security: { auth: { selectedType: "gemini-api-key" } }, privacy: { usageStatisticsEnabled: false } })}\n`,
  },
  commands: commands(gemini(), gemini("--resume", "latest")),
};

export const codingAgents: readonly Client[] = [
  claudeCode,
  codex("codex"),
  codex("codex-gpt-5.5", "gpt-5.5"),
  openCode("opencode-openai", "openai", "responses", "openai/gpt-5.5", { openai: { options: openAiOptions } }),
  openCode("opencode-anthropic", "anthropic", "messages", "anthropic/claude-opus-5-5", {
    anthropic: { options: anthropicOptions },
  }),
  openCode("opencode-compatible", "openai-compatible", "chat", "bursar/gpt-4o", {
    bursar: { npm: "@ai-sdk/openai-compatible", name: "Bursar", options: openAiOptions, models: { "gpt-4o": {} } },
  }),
  qwenCode,
  pi("responses", "openai", "gpt-5.5", { openai: { baseUrl: "$BURSAR_URL/openai/v1" } }),
  pi("messages", "anthropic", "claude-opus-4-5", { anthropic: { baseUrl: "$BURSAR_URL/anthropic" } }),
  pi("chat", "bursar", "gpt-4o", {
    bursar: {
      baseUrl: "$BURSAR_URL/openai/v1",
      api: "openai-completions",
      apiKey: "OPENAI_API_KEY",
      models: [{ id: "gpt-4o" }],
    },
  }),
  continueCli("chat", "openai", "gpt-4o", "$BURSAR_URL/openai/v1"),
  continueCli("responses", "openai", "gpt-5.5", "$BURSAR_URL/openai/v1"),
  continueCli("messages", "anthropic", "claude-opus-4-5", "$BURSAR_URL/anthropic/v1"),
  cline("openai", "gpt-4o", "chat"),
  cline("openai-native", "gpt-5.5", "responses"),
  {
    ...copilot("chat", "gpt-4o", {
      COPILOT_PROVIDER_BASE_URL: "$BURSAR_URL/openai/v1",
      COPILOT_PROVIDER_MAX_OUTPUT_TOKENS: "16384",
    }),
    // It asks this model for at most 4,096 tokens by itself.
    needs: ["COPILOT_PROVIDER_MAX_OUTPUT_TOKENS"],
  },
  copilot("responses", "gpt-5.5", {
    COPILOT_PROVIDER_BASE_URL: "$BURSAR_URL/openai/v1",
    COPILOT_PROVIDER_WIRE_API: "responses",
  }),
  copilot("messages", "claude-opus-4-5", {
    COPILOT_PROVIDER_BASE_URL: "$BURSAR_URL/anthropic",
    COPILOT_PROVIDER_TYPE: "anthropic",
  }),
  geminiCli,
];
