/** The documents: what they link to is there, what they list is complete, and they read as one. */
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { Agent } from "../../src/client/agent.ts";
import { Bursar } from "../../src/client/bursar.ts";
import { Hold } from "../../src/client/hold.ts";
import { Keys } from "../../src/client/keys.ts";
import { Pool } from "../../src/client/pool.ts";
import { Prices } from "../../src/client/prices.ts";
import { Tenants } from "../../src/client/tenants.ts";
import { Webhooks } from "../../src/client/webhooks.ts";
import { routes } from "../../src/http/routes.ts";
import { eventTraits } from "../../src/protocol/events.ts";
import { limits } from "../../src/protocol/limits.ts";
import { apiErrorCodes, statusOf } from "../../src/protocol/problems.ts";
import { refusalCodes } from "../../src/protocol/refusals.ts";
import { notificationTypes } from "../../src/protocol/webhook.ts";
import { files, read } from "../support/tree.ts";

const documents = files.filter((path) => path.endsWith(".md"));
/** Written by scripts from their measurements. */
const printed = /^docs\/(bench|compatibility|cost|proof)\.md$|^docs\/study\//;
const written = documents.filter((path) => !printed.test(path));

/** A document without its code, whose lines are as long as they are. */
const proseOf = (path: string): string => read(path).replaceAll(/^ *```[\s\S]*?^ *```$/gm, "");

/** The anchors of a document's headings, as GitHub and Cloudflare's own pages make them. */
function anchorsIn(path: string): readonly string[] {
  const headings = [...proseOf(path).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) => heading);
  return headings.map((heading) =>
    heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-"),
  );
}

const linksIn = (path: string): readonly (readonly [target: string, anchor: string])[] =>
  [...proseOf(path).matchAll(/\]\(([^)#\s]*)(?:#([^)]*))?\)/g)]
    .map(([, target = "", anchor = ""]) => [target, anchor] as const)
    .filter(([target]) => !/^(https?|mailto):/.test(target));

describe("the documents", () => {
  it("link to files and headings that are there", () => {
    const broken = documents.flatMap((path) =>
      linksIn(path)
        .filter(([target, anchor]) => {
          const to = target === "" ? path : normalize(join(dirname(path), target));
          return !files.includes(to) || (anchor !== "" && !anchorsIn(to).includes(anchor));
        })
        .map(([target, anchor]) => `${path} → ${target}#${anchor}`),
    );
    expect(broken).toEqual([]);
  });

  it("are found from docs/README.md, each with one title", () => {
    const linked = new Set(linksIn("docs/README.md").map(([target]) => normalize(join("docs", target))));
    const lost = documents.filter((path) => /^docs\/(?!decisions\/0|README\.md)/.test(path) && !linked.has(path));
    const titles = written.filter((path) => [...proseOf(path).matchAll(/^# /gm)].length !== 1);
    expect({ lost, titles }).toEqual({ lost: [], titles: [] });
  });

  it("name files and scripts that exist", () => {
    const scripts = Object.keys(JSON.parse(read("package.json")).scripts);
    const wrong = documents.flatMap((path) => [
      ...[...read(path).matchAll(/`((?:src|test|docs|evidence|scripts|examples)\/[\w./-]+)`/g)]
        .map(([, target = ""]) => target.replace(/\/$/, ""))
        .filter((target) => !files.some((file) => file === target || file.startsWith(`${target}/`)))
        .map((target) => `${path} names ${target}`),
      ...[...read(path).matchAll(/npm run ([\w:]+)/g)]
        .map(([, script = ""]) => script)
        .filter((script) => !scripts.includes(script))
        .map((script) => `${path} names npm run ${script}`),
    ]);
    expect(wrong).toEqual([]);
  });

  it("are named by the code where they are", () => {
    const code = files.filter((path) => /\.(ts|tsx|js|py|toml|yaml|example)$/.test(path));
    const wrong = code.flatMap((path) =>
      [...read(path).matchAll(/\bdocs\/[\w/.-]+\.md\b/g)]
        .map(([target]) => target)
        .filter((target) => !files.includes(target))
        .map((target) => `${path} names ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it("have lines of at most 120 characters, but for tables", () => {
    const long = written.flatMap((path) =>
      proseOf(path)
        .split("\n")
        .filter((line) => line.length > 120 && !/^ *\||^\[!\[|\]\(https?:\S+\)[^\s]*$/.test(line))
        .map((line) => `${path}: ${line}`),
    );
    expect(long).toEqual([]);
  });
});

describe("the reference", () => {
  const named = (path: string, names: readonly string[]): readonly string[] =>
    names.filter((name) => !read(path).includes(`\`${name}\``));

  it("lists the refusals in order of precedence, and every error, with their statuses", () => {
    const text = read("docs/reference/errors.md");
    const [, after = ""] = text.split("## Refusals, in order of precedence\n");
    const [refusals = "", errors = ""] = after.split("## Errors of the API\n");
    const listed = (section: string): readonly unknown[] =>
      [...section.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, name, status]) => [name, Number(status)]);
    expect(listed(refusals)).toEqual(refusalCodes.map((name) => [name, statusOf(name)]));
    expect(new Map(listed(errors) as [string, number][])).toEqual(
      new Map(apiErrorCodes.map((name) => [name, statusOf(name)])),
    );
  });

  it("lists every route", () => {
    const paths = routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    expect(named("docs/reference/http-api.md", paths)).toEqual([]);
  });

  it("lists every event and notification", () => {
    expect(named("docs/reference/events.md", [...Object.keys(eventTraits), ...notificationTypes])).toEqual([]);
  });

  it("gives limits the value that they have", () => {
    const rows = [...read("docs/reference/limits.md").matchAll(/^\| `(\w+)` \| ([\d,]+) \|/gm)];
    expect(rows.length).toBeGreaterThan(40);
    const said = rows.map(([, name = "", value = ""]) => [name, Number(value.replaceAll(",", ""))]);
    expect(said).toEqual(said.map(([name]) => [name, limits[name as keyof typeof limits]]));
  });

  it("has every limit that a refusal names", () => {
    const sources = files
      .filter((path) => /^src\/(engine|pool|tenant|webhooks)\/.*\.ts$/.test(path))
      .map(read)
      .join("\n");
    const inRefusals = [...sources.matchAll(/(?:limit: |beyond\(|beyondShare\(\s*)"(\w+)"/g)].map(
      ([, name = ""]) => name,
    );
    expect(inRefusals.length).toBeGreaterThan(10);
    expect(named("docs/reference/limits.md", inRefusals)).toEqual([]);
  });

  it("lists every setting of the Worker", () => {
    const settings = [...read("src/env.ts").matchAll(/^ {2}readonly ([A-Z_]+)\?/gm)].map(([, name = ""]) => name);
    expect(settings.length).toBeGreaterThan(10);
    expect(named("docs/reference/settings.md", settings)).toEqual([]);
  });

  it("lists every metric", () => {
    const metrics = [...read("src/http/metrics.ts").matchAll(/[`"](bursar_\w+(?:\$\{unit\}\w*)?)[`"]/g)].map(
      ([, name = ""]) => name.replace("${unit}", "{unit}"),
    );
    expect(metrics.length).toBeGreaterThan(10);
    expect(named("docs/reference/metrics.md", metrics)).toEqual([]);
  });

  it("lists every table that is stored, and its columns", () => {
    const text = read("docs/reference/storage.md");
    const schemas = ["pool", "tenant", "webhooks"].map((folder) => read(`src/${folder}/schema.ts`)).join("\n");
    const tables = [...schemas.matchAll(/CREATE TABLE (\w+) \(\n([\s\S]*?)\n *\) STRICT/g)];
    expect(tables.length).toBe([...schemas.matchAll(/CREATE TABLE/g)].length);
    const missing = tables.flatMap(([, table = "", columns = ""]) =>
      [table, ...[...columns.matchAll(/^ *([a-z_]+) (?:TEXT|INTEGER)/gm)].map(([, column = ""]) => column)]
        .filter((name) => !text.includes(`\`${name}\``))
        .map((name) => `${table}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it("lists every method of the client", () => {
    const text = read("docs/reference/client.md");
    const classes = { Bursar, Pool, Agent, Hold, Keys, Prices, Webhooks, Tenants };
    const missing = Object.entries(classes).flatMap(([name, { prototype }]) =>
      Object.getOwnPropertyNames(prototype)
        .filter((method) => method !== "constructor" && !new RegExp(`\\b${method}\\b`).test(text))
        .map((method) => `${name}.${method}`),
    );
    expect(missing).toEqual([]);
  });

  it("lists every command of the command line, and its options", () => {
    const text = read("docs/reference/cli.md");
    const sources = files.filter((path) => /^src\/cli\/\w+\.ts$/.test(path));
    const wanted = sources.flatMap((path) => {
      const code = read(path);
      const group = /new Command\("(\w+)"\)/.exec(code)?.[1] ?? "";
      return [
        ...[...code.matchAll(/\.command\("(\w[\w-]*)/g)].map(([, name = ""]) => `${group} ${name}`),
        ...[...code.matchAll(/(?:ption\(|\["?)\s*"(--[\w-]+)/g)].map(([, option = ""]) => option),
      ];
    });
    expect(wanted.length).toBeGreaterThan(60);
    expect(wanted.filter((name) => !text.includes(name))).toEqual([]);
  });
});
