/** docs/compatibility.md, printed from the record. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../test/support/tree.ts";
import type { Scenario } from "../clients/client.ts";
import type { Found, Row } from "./record.ts";
import type { Outcome } from "./scenarios.ts";

const wordsKept = 240;
/** Tokens of the stand-in's long answer, at least. */
const longAnswer = 6_000;

export function writePage(found: Found): void {
  writeFileSync(join(root, "docs/compatibility.md"), pageOf(found));
}

/** The page; its figures are all in the record. */
export function pageOf({ clients, contract }: Found): string {
  const days = clients.map(({ on }) => on).sort();
  const [first = "", last = ""] = [days[0], days.at(-1)];
  return `# Compatibility

Real clients, run against Bursar: the newest version of each that npm had ${first === last ? `on ${first}` : `between ${first} and ${last}`}, unmodified, pointed at the gateway
by base URL and key. Behind the gateway is a stand-in for the providers whose model calls tools and reports exact usage. Written by
\`npm run compat -- --write\` from its record, \`docs/compatibility.json\`. To set a client up, see [coding agents](guides/coding-agents.md) and
[agent frameworks](guides/agent-frameworks.md).

| column | |
|---|---|
| tool loop | the model calls a tool twice, gets the results, and answers from them |
| second turn | a resumed session, or a second question: the model still knows the first answer |
| stream | an answer of 6,000 tokens arrives whole, and its first piece before the second is sent |
| sub-agent | the agent has another agent answer, and reports its answer |
| web search | the provider searches the web, and the search is booked at its fee |
| booked right | runs after which the books had, to the unit, what the provider had reported, and held nothing |
| refused | with the budget used up: requests that reach the gateway, and seconds until the client has stopped. Codex's WebSocket, OpenCode's title and the tool runner's thread are requests of their own |

Each is run in a pool of tokens and in one of microusd. Seconds include the client's own start and are upper bounds: other work ran beside.

## Coding agents

${tableOf(clients.filter(({ kind }) => kind === "coding agent"))}

## SDKs and frameworks

${tableOf(clients.filter(({ kind }) => kind === "framework"))}

${needsOf(clients)}${failuresOf(clients)}## What the human reads when the budget is used up

| client | words |
|---|---|
${clients
  .filter(({ missing }) => missing === undefined)
  .map(refusalRow)
  .join("\n")}

${contract === undefined ? "" : contractOf(contract)}`;
}

const columns: readonly Scenario[] = ["tool", "again", "stream", "delegate", "search"];

function tableOf(rows: readonly Row[]): string {
  const head =
    "| client | version | tool loop | second turn | stream | sub-agent | web search | booked right | refused |\n|---|---|---|---|---|---|---|---|---|";
  return [head, ...rows.map(rowOf)].join("\n");
}

function rowOf({ title, version, missing, outcomes }: Row): string {
  if (missing !== undefined) return `| ${title} | not run: ${cell(missing)} | | | | | | | |`;
  const right = outcomes.filter(({ isBookedRight }) => isBookedRight).length;
  const cells = columns.map((scenario) => worksIn(outcomes.filter((one) => one.scenario === scenario)));
  return `| ${title} | ${version} | ${cells.join(" | ")} | ${right} of ${outcomes.length} | ${refusedIn(outcomes)} |`;
}

/** Whether a scenario works in both units. */
function worksIn(outcomes: readonly Outcome[]): string {
  if (outcomes.length === 0) return "–";
  const good = outcomes.filter(isGood);
  if (good.length === outcomes.length) return "yes";
  return good.length === 0 ? "**no**" : `in ${good.map(({ unit }) => unit).join(", ")}`;
}

/** A stream that is held up on its way is none. */
export const isGood = (one: Outcome): boolean => one.works && one.streamed !== "held up";

function refusedIn(outcomes: readonly Outcome[]): string {
  const refusals = outcomes.filter(({ scenario }) => scenario === "refusal");
  const one = refusals.toSorted((a, b) => b.requests - a.requests)[0];
  if (one === undefined) return "–";
  if (!one.works) return "**no**";
  const end = one.status === undefined ? "not stopped after" : "";
  return `${one.requests}, ${end} ${one.seconds} s`.replace(/ +/g, " ");
}

function needsOf(clients: readonly Row[]): string {
  const lines = clients.flatMap(({ title, needs, unpriced, hosts }) => [
    ...(needs.length > 0 ? [`- ${title}: ${needs.join(", ")}`] : []),
    ...(unpriced.length > 0
      ? [`- ${title}, in a pool of microusd: a price for ${unpriced.map((one) => `\`${one}\``).join(", ")}`]
      : []),
    ...(hosts.length > 0 ? [`- ${title} also asks for ${hosts.join(", ")}, and works without`] : []),
  ]);
  if (lines.length === 0) return "";
  return `## What is needed besides base URL, key and model\n\nA price is set with \`PUT /v1/prices/{model}\`.\n\n${lines.join("\n")}\n\n`;
}

/** A line for each thing seen, with the scenarios in which it was. */
function failuresOf(clients: readonly Row[]): string {
  const lines = clients.flatMap(({ title, outcomes }) => {
    const failed = outcomes.filter((one) => !isGood(one) || !one.isBookedRight);
    const seen = Map.groupBy(failed, (one) => cell(whatOf(one)));
    return [...seen].map(([what, ones]) => `| ${title} | ${scenariosOf(ones)} | ${what} |`);
  });
  if (lines.length === 0) return "";
  return `## What fails\n\n| client | scenario | seen |\n|---|---|---|\n${lines.join("\n")}\n\n`;
}

function scenariosOf(outcomes: readonly Outcome[]): string {
  const units = Map.groupBy(outcomes, ({ scenario }) => names[scenario]);
  return [...units].map(([name, ones]) => (ones.length > 1 ? name : `${name} (${ones[0]?.unit})`)).join(", ");
}

const names: Readonly<Record<Scenario, string>> = {
  tool: "tool loop",
  again: "second turn",
  stream: "stream",
  delegate: "sub-agent",
  search: "web search",
  refusal: "budget used up",
};

function whatOf(one: Outcome): string {
  if (!one.isBookedRight) return `booked ${one.booked} for ${one.expected}, held ${one.held}`;
  const limit = one.limits.at(-1);
  if (one.scenario === "stream" && typeof limit === "number" && limit < longAnswer)
    return `the provider was given an output limit of ${limit} tokens, which cut the answer`;
  if (one.streamed === "held up") return "the stream is held up";
  // The WebSocket that Codex tries first is refused by design.
  const refused = one.refused.filter((text) => !text.startsWith("426")).at(-1);
  return refused ?? one.rejected.at(-1) ?? one.said;
}

function refusalRow({ title, outcomes }: Row): string {
  const one = outcomes.find(({ scenario, unit }) => scenario === "refusal" && unit === "microusd");
  return `| ${title} | ${cell(one?.said ?? "")} |`;
}

function contractOf({ on, points }: NonNullable<Found["contract"]>): string {
  const rows = points.map(({ rule, isMet, seen }) => `| ${rule} | ${isMet ? "yes" : "**no**"} | ${cell(seen)} |`);
  return `## Claude Code's gateway contract

Anthropic publishes [what a gateway must do](https://code.claude.com/docs/en/llm-gateway-protocol) to be compatible with Claude Code. Bursar
serves the Anthropic Messages format. Each point was checked on ${on} by requests to a running governor, and by what its provider was sent.

| a gateway must | met | seen |
|---|---|---|
${rows.join("\n")}
`;
}

function cell(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return (line.length > wordsKept ? `${line.slice(0, wordsKept)}…` : line)
    .replaceAll("|", "\\|")
    .replaceAll("<", "&lt;");
}
