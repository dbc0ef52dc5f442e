/** What no linter knows: the directions of imports, the purity of the engine, dead files. */
import { join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/protocol/limits.ts";
import { files, importsOf, read } from "../support/tree.ts";

const sources = files.filter((path) => path.startsWith("src/") && path.endsWith(".ts"));
const code = files.filter((path) => /\.(ts|tsx|mjs|js)$/.test(path));
const documents = files.filter((path) => path.endsWith(".md"));

/** Which folders of `src` each may import from. Whatever is not here may not be. */
const directions: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  engine: ["protocol"],
  providers: ["protocol"],
  // `dist/prices.json`, which `npm run build` makes.
  pricing: ["protocol", "providers", "prices.json"],
  storage: ["protocol"],
  archive: ["engine", "protocol"],
  pool: ["archive", "engine", "objects.ts", "protocol", "storage"],
  tenant: ["objects.ts", "protocol", "storage"],
  webhooks: ["protocol", "storage"],
  http: ["archive", "protocol", "pricing", "env.ts", "objects.ts", "webhooks"],
  calls: ["protocol", "providers", "pricing"],
  gateway: ["calls", "http", "protocol", "providers", "pricing", "env.ts", "objects.ts"],
  client: ["calls", "protocol", "providers", "pricing"],
  cli: ["archive", "client", "engine", "protocol"],
  "docs-page": [],
  "objects.ts": ["protocol"],
  "env.ts": ["objects.ts", "pool", "tenant", "webhooks"],
  "index.ts": ["env.ts", "gateway", "http", "pool", "tenant", "webhooks"],
};

const pure = ["engine", "providers", "pricing"];
const layerOf = (path: string): string => path.split("/")[1] ?? "";

function targetOf(path: string, specifier: string): string {
  return normalize(join(path, "..", specifier));
}

describe("the tree", () => {
  it("has imports that point inward only", () => {
    const wrong = sources.flatMap((path) =>
      importsOf(path)
        .filter((specifier) => specifier.startsWith("."))
        .map((specifier) => layerOf(targetOf(path, specifier)))
        .filter((layer) => layer !== layerOf(path) && !(directions[layerOf(path)] ?? []).includes(layer))
        .map((layer) => `${path} imports ${layer}`),
    );
    expect(wrong).toEqual([]);
  });

  it("has tests that import nothing of evidence or scripts: what they share is in test/support, what they run is a program", () => {
    const wrong = code
      .filter((path) => path.startsWith("test/"))
      .flatMap((path) =>
        importsOf(path)
          .filter((specifier) => specifier.startsWith("."))
          .map((specifier) => targetOf(path, specifier))
          .filter((target) => /^(evidence|scripts)\//.test(target))
          .map((target) => `${path} imports ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  it("has no file that imports itself through others, types included", () => {
    const imports = new Map(
      [...sources, ...code.filter((path) => path.startsWith("dashboard/src/"))].map((path) => [
        path,
        importsOf(path)
          .filter((specifier) => specifier.startsWith("."))
          .map((specifier) => targetOf(path, specifier)),
      ]),
    );
    const circles: string[] = [];
    const done = new Set<string>();
    const walk = (path: string, above: readonly string[]): void => {
      if (above.includes(path)) circles.push([...above.slice(above.indexOf(path)), path].join(" → "));
      if (above.includes(path) || done.has(path)) return;
      for (const next of imports.get(path) ?? []) walk(next, [...above, path]);
      done.add(path);
    };
    for (const path of imports.keys()) walk(path, []);
    expect(circles).toEqual([]);
  });

  it("has no file of more than 400 lines", () => {
    const long = [...sources, ...code.filter((path) => path.startsWith("dashboard/src/"))]
      .map((path) => `${path}: ${read(path).split("\n").length - 1}`)
      .filter((line) => Number(line.split(": ")[1]) > 400);
    expect(long).toEqual([]);
  });

  it("keeps platforms and clocks out of the governed call, which every door shares", () => {
    const banned = /\b(Date\b|Math\.random|performance\b|setTimeout|setInterval|fetch\(|process\b|cloudflare:)/;
    const wrong = sources.filter((path) => layerOf(path) === "calls" && banned.test(read(path)));
    expect(wrong).toEqual([]);
  });

  it("keeps packages, clocks, chance and waiting out of what is pure", () => {
    const banned = /\b(Date\b|Math\.random|performance\b|crypto\b|async\b|await\b|setTimeout|fetch\(|process\b)/;
    const wrong = sources
      .filter((path) => pure.includes(layerOf(path)))
      .flatMap((path) => {
        // The calendar is a package's, and as pure as the rest: Temporal without its `Now`.
        const packages = importsOf(path).filter(
          (specifier) =>
            !specifier.startsWith(".") && `${path} ${specifier}` !== "src/engine/calendar.ts temporal-polyfill",
        );
        const text = read(path)
          .replaceAll(/\/\*[\s\S]*?\*\//g, "")
          .replaceAll(/\/\/.*$/gm, "")
          .replaceAll(/(["'`]).*?\1/g, "");
        const found = banned.exec(text)?.[0];
        return [
          ...packages.map((name) => `${path} imports ${name}`),
          ...(found === undefined ? [] : [`${path}: ${found}`]),
        ];
      });
    expect(wrong).toEqual([]);
  });

  it("has no file that nothing uses", () => {
    const scripts = ["package.json", "vitest.config.ts", "wrangler.toml", "evidence/prove/mutation/stryker.json"]
      .map(read)
      .join();
    const imported = new Set(
      code.flatMap((path) =>
        importsOf(path)
          .filter((one) => one.startsWith("."))
          .map((one) => targetOf(path, one)),
      ),
    );
    const named =
      read("scripts/build.ts") +
      documents.map(read).join("\n") +
      files
        .filter((path) => /\.(toml|html)$/.test(path))
        .map(read)
        .join("\n");
    /** Started as a process or a thread of its own, by its path. */
    const isStarted = (path: string): boolean => {
      const [folder, name] = path.split("/").slice(-2);
      return code.some(
        (other) =>
          other !== path && (read(other).includes(`${folder}/${name}"`) || read(other).includes(`"./${name}"`)),
      );
    };
    const dead = code.filter(
      (path) =>
        !imported.has(path) &&
        !scripts.includes(path) &&
        !/\.test\.ts$|\.d\.ts$|^vitest\.config\.ts$/.test(path) &&
        !named.includes(path.split("/").at(-1) ?? path) &&
        !isStarted(path),
    );
    expect(dead).toEqual([]);
  });

  it("opens every file with the idea that it owns", () => {
    const silent = code.filter((path) => {
      if (/\.test\.ts$|\.d\.ts$|^vitest\.config\.ts$/.test(path)) return false;
      return !/^(#!.*\n)?(\/\*\*|\/\/)/.test(read(path));
    });
    expect(silent).toEqual([]);
  });

  it("has nothing left for later, no test that is skipped, and no path of a machine", () => {
    const self = "test/repo/tidy.test.ts";
    const marks = /\b(TODO|FIXME|XXX)\b|\b(it|test|describe)\.(only|skip|todo)\b|@ts-(ignore|nocheck|expect-error)/;
    const machine = /(^|[\s"'`(=])\/(root|home|work|Users|tmp)\/[A-Za-z]/m;
    const wrong = files
      .filter((path) => path !== self && path !== "package-lock.json" && !/\.(png|ico|woff2?)$/.test(path))
      .filter((path) => marks.test(read(path)) || machine.test(read(path)));
    expect(wrong).toEqual([]);
  });

  it("has a reason beside every limit, and a use", () => {
    const text = read("src/protocol/limits.ts");
    const used = code
      .filter((path) => path !== "src/protocol/limits.ts")
      .map(read)
      .join("\n");
    const wrong = Object.keys(limits).filter(
      (name) => !new RegExp(`(\\*/\\n|: .*,\\n) {2}${name}:`).test(text) || !used.includes(`limits.${name}`),
    );
    expect(wrong).toEqual([]);
  });
});
