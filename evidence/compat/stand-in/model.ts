/**
 * The stand-in's model. It does what a directive in the prompt says, with the tools that the client offers, and its last
 * words say what it saw: they are right only if the client ran the tool and sent its result.
 */
import { listOf, Rejected, word } from "./api.ts";
import type { Call, Json, Reply, Said, Tool, Turn } from "./turn.ts";

/** Directives, as prompts name them, and the words of an answer by which a client is judged. */
export const answers = {
  "compat:tool": "The tool said compat-42 and compat-43.",
  "compat:delegate": "The sub-agent said compat-child.",
  "compat:child": "I am compat-child.",
  "compat:stream": "compat-end",
  "compat:search": "The web said compat-web.",
  "compat:recall": "I recall compat-42.",
  "compat:silence": "compat-spoken",
  "compat:reject": "",
} as const;
export type Directive = keyof typeof answers;

/** The first piece of a streamed answer: the stream pauses behind it. */
export const firstPiece = "compat-begin ";

/** What a shell prints is not in the command: octal numbers, since some clients block substitutions. */
const steps = [
  { key: "first", result: "compat-42", command: "printf 'compat-%d\\n' 052" },
  { key: "second", result: "compat-43", command: "printf 'compat-%d\\n' 053" },
] as const;

export function answerTo(turn: Turn): Reply {
  const at = turn.said.findLastIndex((one) => one.by === "user" && /compat:\w+/.test(one.text));
  const asked = turn.said[at];
  const directive = asked?.by === "user" ? directiveIn(asked.text) : undefined;
  const since = turn.said.slice(at + 1);
  switch (directive) {
    case "compat:tool":
      return toolLoop(turn, since);
    case "compat:delegate":
      return delegation(turn, since);
    case "compat:stream":
      return longText();
    case "compat:search":
      return search(turn, since);
    case "compat:silence":
      return { pieces: [firstPiece, answers["compat:silence"]], calls: [], pauseAfter: 0, pings: true };
    case "compat:reject":
      throw new Rejected(400, "messages.3.content.0: Invalid `signature` in `thinking` block");
    case "compat:recall":
      return say(turn.said.slice(0, at).some(remembers) ? answers["compat:recall"] : "I recall nothing.");
    case "compat:child":
      return child(turn);
    case undefined:
      return say("A short title");
  }
}

function directiveIn(text: string): Directive | undefined {
  const found = [...text.matchAll(/compat:\w+/g)].map(([one]) => one).filter((one): one is Directive => one in answers);
  return found.at(-1);
}

const remembers = (one: Said): boolean => one.by === "model" && one.text.includes("compat-42");

function toolLoop(turn: Turn, since: readonly Said[]): Reply {
  const results = since.filter((one) => one.by === "result");
  const next = steps.find(({ result }) => !results.some((one) => one.by === "result" && one.text.includes(result)));
  if (next === undefined) return say(answers["compat:tool"]);
  // A tool that fails twice is not tried again: the answer says what it said.
  if (results.length > steps.length) return say(`The tool failed: ${last(results)}`);
  const call = shellCall(turn.tools, next);
  return call === undefined ? say("A short title") : { pieces: ["I look. "], calls: [call] };
}

function delegation(turn: Turn, since: readonly Said[]): Reply {
  const tool = turn.tools.find(({ name }) => delegators.test(name));
  const search = turn.tools.find(({ isSearch }) => isSearch === true);
  if (tool === undefined && search !== undefined && !since.some((one) => one.by === "call"))
    return { pieces: [], calls: [{ tool: search, input: { query: "spawn an agent" } }] };
  // Where a sub-agent is given the whole conversation, it is the one that can't delegate.
  if (tool === undefined) return say(answers["compat:child"]);
  const results = since.filter((one) => one.by === "result");
  if (since.some((one) => one.by !== "call" && one.text.includes("compat-child")))
    return say(answers["compat:delegate"]);
  if (results.length === 0) return { pieces: [], calls: [{ tool, input: filled(tool, childPrompt) }] };
  const waits = turn.tools.find(({ name }) => /^wait_agent$/.test(name));
  if (waits !== undefined && results.length <= patience)
    return { pieces: [], calls: [{ tool: waits, input: waitFor(waits, last(results)) }] };
  // A client may run it in the background and report its answer in a turn of its own.
  return say(`The sub-agent said: ${last(results)}`);
}

/** How often it waits for a sub-agent. */
const patience = 3;
/** Gemini's sub-agents end by a tool. */
function child(turn: Turn): Reply {
  const end = turn.tools.find(({ name }) => name === "complete_task");
  if (end === undefined) return say(answers["compat:child"]);
  return { pieces: [], calls: [{ tool: end, input: filled(end, answers["compat:child"]) }] };
}

const delegators =
  /^(agent|task|spawn_agent|invoke_agent|use_subagents?|delegate\w*|transfer_to_\w+|child|agent-child|call_child)$/i;
const childPrompt = "Answer the check compat:child.";

/** Codex's tools to wait for an agent that it has spawned: they take the id that spawning returned, or nothing. */
function waitFor(tool: Tool, result: string): Json {
  const [, id = ""] = /"agent_id":\s*"([^"]+)"/.exec(result) ?? [];
  const properties = propertiesOf(tool.schema);
  const name = ["ids", "targets"].find((one) => one in properties);
  return {
    ...(name === undefined ? {} : { [name]: [id] }),
    ...("timeout_ms" in properties ? { timeout_ms: 20_000 } : {}),
  };
}

const shells =
  /^(bash|shell|local_shell|exec_command|shell_command|run_shell_command|run_terminal_command|execute_command|run_commands?|execute)$/i;

function shellCall(tools: readonly Tool[], step: (typeof steps)[number]): Call | undefined {
  const own = tools.find(({ name }) => name === "lookup");
  if (own !== undefined) return { tool: own, input: { key: step.key } };
  // Codex's tool of tools takes a program.
  const script = tools.find(({ name, isFreeform }) => name === "exec" && isFreeform === true);
  if (script !== undefined)
    return {
      tool: script,
      input: { program: `text(await tools.exec_command({ cmd: ${JSON.stringify(step.command)} }));` },
    };
  const tool = tools.find(({ name }) => shells.test(name));
  if (tool === undefined) return undefined;
  return { tool, input: filled(tool, step.command) };
}

/** Arguments that fit the tool: the required ones, with `text` where a command, a prompt or a text is asked for. */
function filled(tool: Tool, text: string): Json {
  return filledFrom(tool.schema, text, tool.description ?? "");
}

function filledFrom(schema: Json, text: string, description: string): Json {
  const properties = propertiesOf(schema);
  const names = Object.keys(properties);
  const needed = names.some((name) => main.test(name)) ? [] : names;
  const required = Array.isArray(schema["required"]) ? schema["required"].map(String) : needed;
  const wanted = names.filter((name) => required.includes(name) || main.test(name));
  return Object.fromEntries(wanted.map((name) => [name, valueOf(properties[name] ?? {}, name, text, description)]));
}

const main = /^(command|commands|cmd|prompt|message|query|input|task|result|response)$/;

function valueOf(schema: Json, name: string, text: string, description: string): unknown {
  const choices = schema["enum"];
  if (Array.isArray(choices)) return choices.find((one) => agentNames.includes(String(one))) ?? choices[0];
  const type = Array.isArray(schema["type"]) ? schema["type"][0] : schema["type"];
  if (isNullable(schema) && !main.test(name)) return null;
  if (type === "array") {
    if (/^(command|cmd)$/.test(name)) return ["bash", "-lc", text];
    return [valueOf((schema["items"] ?? {}) as Json, name, text, description)];
  }
  if (type === "boolean") return false;
  if (type === "number" || type === "integer") return 1;
  if (type === "object") return filledFrom(schema, text, description);
  if (main.test(name)) return text;
  // Gemini CLI lists its agents in the system prompt.
  if (name === "agent_name") return "generalist";
  if (/agent/.test(name)) return agentIn(`${word(schema["description"])} ${description}`);
  return "compat";
}

/** In strict schemas an argument that may be left out is required, and may be null. */
function isNullable(schema: Json): boolean {
  const types = Array.isArray(schema["type"]) ? schema["type"] : listOf(schema["anyOf"]).map((one) => one["type"]);
  return types.includes("null");
}

const agentNames = ["general-purpose", "general", "worker", "default", "task"];

/** Where a client names its kinds of agents in words only. */
function agentIn(description: string): string {
  return agentNames.find((name) => new RegExp(`\\b${name}\\b`).test(description)) ?? "general-purpose";
}

const propertiesOf = (schema: Json): Record<string, Json> => (schema["properties"] ?? {}) as Record<string, Json>;

/** About 6,000 tokens: more than what a gateway may put in for a caller that names no limit. */
const lines = 400;
const line = "bottles of beer on the wall, bottles of beer, take one down.";

/** Searches by the provider's tool; a client may have a tool of its own that asks for a search in a call of its own. */
function search(turn: Turn, since: readonly Said[]): Reply {
  if (turn.tools.some(({ isHosted }) => isHosted === true)) return { ...say(answers["compat:search"]), searches: 1 };
  if (since.some((one) => one.by === "result" && one.text.includes("compat-web"))) return say(answers["compat:search"]);
  const isCalled = (tool: string): boolean => since.some((one) => one.by === "call" && one.name === tool);
  const own = turn.tools.find(({ name }) => name === "WebSearch");
  if (own !== undefined && !isCalled("WebSearch"))
    return { pieces: [], calls: [{ tool: own, input: { query: "compat:search" } }] };
  // Claude Code loads most of its tools only when the model asks for them.
  const loader = turn.tools.find(({ name }) => name === "ToolSearch");
  if (loader !== undefined && !isCalled("ToolSearch"))
    return { pieces: [], calls: [{ tool: loader, input: { query: "select:WebSearch" } }] };
  return say(`The search said: ${last(since.filter((one) => one.by === "result"))}`);
}

function longText(): Reply {
  const words = Array.from({ length: lines }, (_, index) => `${index} ${line}\n`);
  return { pieces: [firstPiece, ...words, answers["compat:stream"]], calls: [], pauseAfter: 1 };
}

function say(text: string): Reply {
  return { pieces: text.match(/\S+\s*/g) ?? [text], calls: [] };
}

const last = (results: readonly Said[]): string => {
  const one = results.at(-1);
  return one?.by === "result" ? one.text.slice(0, 300) : "";
};
