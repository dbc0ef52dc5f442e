/**
 * `npm run bench`: every benchmark, one after the other, and one table over all of them; `--write` keeps it as
 * `docs/bench.md`.
 */
import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fail, readOptions } from "../../scripts/options.ts";
import { format, type Headline, type Printed, type Table } from "./lib/report.ts";

const benches = ["engine", "alternatives", "pool", "session", "gateway", "webhooks", "dashboard"] as const;
type Bench = (typeof benches)[number];

const usage = `Every benchmark in turn, and one table over all of them. Needs the machine for itself.

  --only A,B    of ${benches.join(", ")} (default: all)
  --seconds N   length of one measurement (default: each benchmark's own)
  --rounds N    measurements of each kind (default: each benchmark's own)
  --write       write docs/bench.md
  --json        for machines
  --help        this text`;
const values = readOptions(usage, {
  only: { type: "string", default: benches.join(",") },
  seconds: { type: "string", default: "" },
  rounds: { type: "string", default: "" },
  write: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
});
const chosen = values.only.split(",").map((name) => {
  const bench = benches.find((one) => one === name);
  return bench ?? fail(`--only ${name}: there is no such benchmark.`, usage);
});
const passed = [
  ...(values.seconds === "" ? [] : ["--seconds", values.seconds]),
  ...(values.rounds === "" ? [] : ["--rounds", values.rounds]),
];
const root = join(import.meta.dirname, "../..");
const results: (Printed & { readonly bench: Bench })[] = [];
for (const [index, bench] of chosen.entries()) {
  console.error(`${index + 1} of ${chosen.length}: ${bench}`);
  results.push({ bench, ...(await run(bench)) });
}
const headlines = results.flatMap(({ headlines: own }) => own);
if (values.json) console.log(JSON.stringify({ machine: results[0]?.machine, headlines }, null, 2));
else console.log(`${results[0]?.machine}\n\n${rows(headlines).join("\n")}`);
if (values.write) writeFileSync(join(root, "docs/bench.md"), page());

function run(bench: Bench): Promise<Printed> {
  const child = spawn(process.execPath, [join(import.meta.dirname, `${bench}.ts`), "--json", ...passed], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.once("close", (status) => {
      if (status === 0) resolve(JSON.parse(output));
      else reject(new Error(`evidence/bench/${bench}.ts ended with ${status}`));
    });
  });
}

function page(): string {
  const commit = spawnSync("git", ["rev-parse", "--short=9", "HEAD"], { cwd: root, encoding: "utf8" }).stdout.trim();
  return `# Benchmarks

\`npm run bench -- --write\` writes this page; don't edit it by hand. ${results[0]?.machine}, ${new Date().toISOString().slice(0, 10)}, commit ${commit}.

The variants of a benchmark take turns within a run. Figures are medians. "Spread" is half of the range between the smallest
and the largest, and includes the noise of the machine. Compare ratios within a run rather than figures of different days.
The clients share the machine's cores with the server that they measure.

${rows(headlines).join("\n")}

${results.map(({ bench, tables }) => section(bench, tables)).join("\n")}`;
}

function rows(all: readonly Headline[]): string[] {
  return [
    "| | figure | compared with | its figure | ratio |",
    "|---|---|---|---|---|",
    ...all.map(({ what, figure, unit, beside }) => {
      const cells = [what, `${format(figure)} ${unit}`];
      if (beside === undefined) cells.push("", "", "");
      else cells.push(beside.what, format(beside.figure), `${(figure / beside.figure).toPrecision(3)} ×`);
      return `| ${cells.join(" | ")} |`;
    }),
  ];
}

function section(bench: Bench, tables: readonly Table[]): string {
  const texts = tables.map(({ title, columns, rows: lines }) =>
    [
      `${title}:`,
      "",
      `| ${columns.join(" | ")} |`,
      `|${columns.map(() => "---").join("|")}|`,
      ...lines.map((cells) => `| ${cells.map(cell).join(" | ")} |`),
      "",
    ].join("\n"),
  );
  return `## \`npm run bench:${bench}\`\n\n${texts.join("\n")}`;
}

/** JSON has no NaN. */
function cell(value: string | number | null): string {
  return value === null ? "–" : format(value);
}
