/** The package as it would be published: what is in it, how it resolves, how small it is, and where it runs. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, describe, expect, it } from "vitest";
import { read, root } from "../support/tree.ts";

const directory = mkdtempSync(join(tmpdir(), "bursar-package-"));
const pack = JSON.parse(
  execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", directory], {
    cwd: root,
    encoding: "utf8",
  }),
);
// Newer npm gives an object by package name, older an array.
const [packed]: { filename: string; files: { path: string }[] }[] = Object.values(pack);
const tarball = join(directory, packed?.filename ?? "");
const tsc = join(root, "node_modules/typescript/bin/tsc");

/** A project that has the package installed, as `npm install` would leave it, and no other. */
function installed(name: string): string {
  const home = join(directory, name);
  mkdirSync(join(home, "node_modules/bursar"), { recursive: true });
  execFileSync("tar", ["xzf", tarball, "-C", join(home, "node_modules/bursar"), "--strip-components", "1"]);
  writeFileSync(join(home, "package.json"), '{ "type": "module" }');
  return home;
}

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("the package", () => {
  it("holds the client and the command, and nothing of the governor", () => {
    const files = packed?.files.map(({ path }) => path) ?? [];
    expect(files).toContain("dist/lib/client/index.js");
    expect(files).toContain("dist/cli/bursar.js");
    const strange = files.filter(
      (path) =>
        !/^(dist\/(lib\/(calls|client|protocol|providers|pricing)\/|cli\/)|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$)/.test(
          path,
        ),
    );
    expect(strange).toEqual([]);
  });

  it("depends on nothing", () => {
    const { dependencies, peerDependencies } = JSON.parse(read("package.json"));
    expect({ dependencies, peerDependencies }).toEqual({});
  });

  it("is found nothing wrong with by publint", async () => {
    const { messages } = await publint({ pkgDir: root, strict: true });
    expect(messages.map((message) => formatMessage(message, JSON.parse(read("package.json"))))).toEqual([]);
  });

  it.each(["nodenext", "bundler"])("has types that resolve by %s and need no package beside it", (resolution) => {
    const home = installed("types");
    writeFileSync(
      join(home, "use.ts"),
      `import { Bursar, type Pool } from "bursar";
       import { governed as openai } from "bursar/openai";
       import { governed as anthropic } from "bursar/anthropic";
       import { governed as ai } from "bursar/ai";
       const pool: Pool = new Bursar({ url: "", key: "" }).pool("p");
       export const made: (typeof fetch)[] = [openai(pool, "a"), anthropic(pool, "a")];
       export const { wrapGenerate } = ai(pool, "a");`,
    );
    const module = resolution === "bundler" ? "esnext" : resolution;
    const options = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2024,esnext.disposable,dom"];
    const { status, stdout } = spawnSync(
      process.execPath,
      [tsc, ...options, "--module", module, "--moduleResolution", resolution, "use.ts"],
      { cwd: home, encoding: "utf8" },
    );
    expect([status, stdout]).toEqual([0, ""]);
  });

  it.each([
    ["index", 14_000],
    ["openai", 17_500],
    ["anthropic", 17_500],
    ["ai", 11_000],
  ])("is small: %s stays below %i bytes, minified and gzipped", async (entry, most) => {
    const { outputFiles, metafile } = await build({
      entryPoints: [join(root, `dist/lib/client/${entry}.js`)],
      bundle: true,
      minify: true,
      splitting: true,
      metafile: true,
      format: "esm",
      target: "es2022",
      outdir: join(directory, "bundle"),
      write: false,
    });
    // What is loaded at once; prices are loaded by who counts dollars.
    const loaded = new Set<string>();
    const load = (path: string): void => {
      loaded.add(path);
      for (const { path: next, kind } of metafile.outputs[path]?.imports ?? []) {
        if (kind === "import-statement" && !loaded.has(next)) load(next);
      }
    };
    const name = Object.entries(metafile.outputs).find(([, { entryPoint = "" }]) =>
      entryPoint.endsWith(`/${entry}.js`),
    );
    load(name?.[0] ?? "");
    const texts = outputFiles.filter(({ path }) =>
      [...loaded].some((one) => path.endsWith(one.replace(/^(\.\.\/)+/, "/"))),
    );
    expect(texts.length).toBe(loaded.size);
    const size = gzipSync(Buffer.concat(texts.map(({ contents }) => contents))).length;
    console.info(`bursar/${entry}: ${size} bytes`);
    expect(size).toBeLessThan(most);
  });

  it("is imported and used by the machine's own Node, which may be 20", () => {
    const own = "/usr/bin/node";
    const node = existsSync(own) ? own : process.execPath;
    const home = installed("node");
    writeFileSync(
      join(home, "use.js"),
      `import { Bursar, UnreachableError, estimateTokens } from "bursar";
       import { governed as openai } from "bursar/openai";
       import { governed as anthropic } from "bursar/anthropic";
       import { governed as ai } from "bursar/ai";
       const pool = new Bursar({ url: "http://127.0.0.1:1", key: "k", retries: 0 }).pool("p");
       const made = [openai(pool, "a"), anthropic(pool, "a"), ai(pool, "a").wrapGenerate].map((one) => typeof one);
       const error = await pool.govern("a", () => 1)().catch((error) => error);
       console.log(JSON.stringify({ made, tokens: estimateTokens("two words") >= 2, unreachable: error instanceof UnreachableError }));`,
    );
    const out = execFileSync(node, ["use.js"], { cwd: home, encoding: "utf8" });
    expect(JSON.parse(out)).toEqual({ made: ["function", "function", "function"], tokens: true, unreachable: true });
    expect(readFileSync(join(home, "node_modules/bursar/package.json"), "utf8")).toContain('"bursar"');
  });
});
