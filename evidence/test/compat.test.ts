/** What the compatibility run is made of: its stand-in's arithmetic, its page, and guides that say what was run. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { read } from "../../test/support/tree.ts";
import type { Client } from "../compat/clients/client.ts";
import { codingAgents } from "../compat/clients/coding-agents.ts";
import { frameworks } from "../compat/clients/frameworks.ts";
import { microusdOf, tokensOf } from "../compat/lib/expected.ts";
import { pageOf } from "../compat/lib/page.ts";
import { merged, type Row } from "../compat/lib/record.ts";
import type { Outcome } from "../compat/lib/scenarios.ts";
import { answerTo } from "../compat/stand-in/model.ts";
import type { Answered } from "../compat/stand-in/server.ts";
import { usageOf, within } from "../compat/stand-in/turn.ts";

const programs = join(import.meta.dirname, "../compat/programs");
const squeeze = (text: string): string => text.replaceAll(/\s+/g, " ").trim();

/** The lines of a document's code that name the gateway or the key. */
function settingLines(document: string): string[] {
  const blocks = [...read(document).matchAll(/^```\w+\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text);
  return blocks.flatMap((text) => text.split("\n")).filter((line) => /BURSAR_URL|AGENT_KEY/.test(line));
}

/** Everything that a client is set up with, as text. */
function settingsOf({ environment = {}, files = {}, setup = [], quiet = {} }: Client): string {
  const variables = Object.entries({ ...environment, ...quiet }).map(([name, value]) => `export ${name}=${value}`);
  return squeeze([...variables, ...Object.values(files), setup.join(" ")].join("\n"));
}

describe("the guides", () => {
  it("set coding agents up as the run does", () => {
    const run = codingAgents.map(settingsOf).join("\n").replaceAll("$CLIENT/node_modules/.bin/", "");
    const lines = settingLines("docs/guides/coding-agents.md").filter((line) => !line.includes("npx bursar"));
    expect(lines.length).toBeGreaterThan(20);
    // A list may continue in the guide where the run's ends, and the other way round.
    const isRun = (line: string): boolean => run.includes(squeeze(line).replace(/,$/, ""));
    expect(lines.filter((line) => !isRun(line))).toEqual([]);
  });

  it("set frameworks up as the run does", () => {
    const code = readdirSync(programs).map((name) => readFileSync(join(programs, name), "utf8"));
    const run = squeeze([...frameworks.map(settingsOf), ...code].join("\n"));
    const lines = settingLines("docs/guides/agent-frameworks.md").map((line) =>
      squeeze(line)
        .replaceAll("process.env.BURSAR_URL", "url")
        .replaceAll("process.env.AGENT_KEY", "key")
        .replace(/,$/, ""),
    );
    expect(lines.length).toBeGreaterThan(12);
    expect(lines.filter((line) => !run.includes(line))).toEqual([]);
  });

  it("name every setting that a client needs", () => {
    const text = read("docs/guides/coding-agents.md") + read("docs/guides/agent-frameworks.md");
    const missing = [...codingAgents, ...frameworks].flatMap(({ id, environment = {}, needs = [] }) =>
      [...Object.keys(environment), ...needs].filter((name) => !text.includes(name)).map((name) => `${id}: ${name}`),
    );
    expect(missing).toEqual([]);
  });
});

const usage = {
  input: 1_000,
  cacheRead: 500,
  cacheWrite: 200,
  cacheWrite1h: 100,
  output: 50,
  reasoning: 17,
  searches: 0,
};
const answered: Answered = {
  model: "m",
  path: "/v1/messages",
  isStream: true,
  usage,
  paused: "not",
  wasCut: false,
  limit: undefined,
};

describe("what a run expects in the books", () => {
  it("counts every token once, reasoning within the output", () => {
    expect(tokensOf(answered)).toBe(1_850);
  });

  it("prices each kind of token at its rate and rounds the call up", () => {
    const price = {
      input: 3_000_000,
      cache_read: 300_000,
      cache_write: 3_750_000,
      cache_write_1h: 6_000_000,
      output: 15_000_000,
    };
    expect(microusdOf(answered, price)).toBe(3_000 + 150 + 750 + 600 + 750);
    expect(microusdOf(answered, { input: 1, output: 1 })).toBe(1);
  });

  it("adds the fee of each search", () => {
    const searched = { ...answered, usage: { ...usage, searches: 2 } };
    expect(microusdOf(searched, { input: 1, output: 1 })).toBe(20_001);
    expect(tokensOf(searched)).toBe(tokensOf(answered));
  });

  it("takes the rates of the tier that the whole input has reached", () => {
    const price = {
      input: 1_000_000,
      output: 1_000_000,
      tiers: [{ above: 1_799, input: 2_000_000, output: 2_000_000 }],
    };
    expect(microusdOf(answered, price)).toBe(3_700);
  });
});

describe("the stand-in's model", () => {
  const tools = [{ name: "bash", schema: { properties: { command: { type: "string" } }, required: ["command"] } }];
  const asked = { by: "user", text: "Run the check compat:tool." } as const;

  it("calls the tool until both results are there, and says so only then", () => {
    const first = answerTo({ said: [asked], tools, limit: undefined });
    expect(first.calls[0]?.input).toEqual({ command: "printf 'compat-%d\\n' 052" });
    const results = [
      { by: "result", text: "compat-42" },
      { by: "result", text: "compat-43" },
    ] as const;
    const second = answerTo({ said: [asked, results[0]], tools, limit: undefined });
    expect(second.calls[0]?.input).toEqual({ command: "printf 'compat-%d\\n' 053" });
    const last = answerTo({ said: [asked, ...results], tools, limit: undefined });
    expect(last.pieces.join("")).toBe("The tool said compat-42 and compat-43.");
  });

  it("does not say that a tool has answered that has failed", () => {
    const failed = { by: "result", text: "command not found" } as const;
    const { pieces, calls } = answerTo({ said: [asked, failed, failed, failed], tools, limit: undefined });
    expect([pieces.join(""), calls]).toEqual(["The tool failed: command not found", []]);
  });

  it("recalls only what the history has", () => {
    const recall = { by: "user", text: "compat:recall" } as const;
    const before = { by: "model", text: "The tool said compat-42 and compat-43." } as const;
    expect(answerTo({ said: [asked, before, recall], tools, limit: undefined }).pieces.join("")).toBe(
      "I recall compat-42.",
    );
    expect(answerTo({ said: [recall], tools, limit: undefined }).pieces.join("")).toBe("I recall nothing.");
  });

  it("keeps the caller's limit, and reports what it then says", () => {
    const full = answerTo({ said: [{ by: "user", text: "compat:stream" }], tools: [], limit: 4_096 });
    const api = { reasons: true, writes: false };
    expect(usageOf("", full, api).output).toBeGreaterThan(5_000);
    const cut = within(full, 4_096, api);
    expect(usageOf("", cut, api).output).toBeLessThanOrEqual(4_096);
    expect([cut.isCut, cut.pieces.join("").includes("compat-end")]).toEqual([true, false]);
  });
});

describe("the page", () => {
  const outcome = (more: Partial<Outcome>): Outcome => ({
    scenario: "tool",
    unit: "tokens",
    works: true,
    seconds: 1,
    status: 0,
    requests: 3,
    refused: [],
    answered: 3,
    limits: [],
    models: [],
    streamed: "not asked",
    booked: 10,
    expected: 10,
    held: 0,
    isBookedRight: true,
    said: "",
    rejected: [],
    ...more,
  });
  const row = (outcomes: readonly Outcome[]): Row => ({
    id: "a",
    title: "A",
    kind: "framework",
    api: "chat",
    version: "1.2.3",
    on: "2026-11-28",
    needs: [],
    unpriced: [],
    outcomes,
    hosts: [],
  });
  const page = (...outcomes: Outcome[]): string => pageOf({ clients: [row(outcomes)], contract: undefined });

  it("says yes only to what works in both pools", () => {
    expect(page(outcome({}), outcome({ unit: "microusd" }))).toContain(
      "| A | 1.2.3 | yes | – | – | – | – | 2 of 2 | – |",
    );
    const half = page(outcome({}), outcome({ unit: "microusd", works: false, refused: ["402 POST /x why"] }));
    expect(half).toContain("| A | 1.2.3 | in tokens | – | – | – | – | 2 of 2 | – |");
    expect(half).toContain("| A | tool loop (microusd) | 402 POST /x why |");
  });

  it("shows a stream that is held up, and books that are wrong, as failures", () => {
    expect(page(outcome({ scenario: "stream", streamed: "held up" }))).toContain("the stream is held up");
    const wrong = page(outcome({ booked: 9, isBookedRight: false }));
    expect(wrong).toContain("| 0 of 1 |");
    expect(wrong).toContain("booked 9 for 10, held 0");
  });

  it("keeps of a record what was not run again", () => {
    const record = { clients: [row([]), { ...row([]), id: "b" }], contract: { on: "2026-01-01", points: [] } };
    const found = { clients: [{ ...row([]), version: "2.0.0" }], contract: undefined };
    const { clients, contract } = merged(record, found, ["a", "b"]);
    expect([clients.map(({ version }) => version), contract?.on]).toEqual([["2.0.0", "1.2.3"], "2026-01-01"]);
  });
});
