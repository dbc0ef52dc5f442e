/**
 * Clients generated from the OpenAPI document: two public generators read it, what they write compiles in strict mode,
 * and a program that calls a governor through it gets what the document promises.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openApiDocument } from "../../src/http/openapi.ts";
import { routes } from "../../src/http/routes.ts";
import { eventTraits } from "../../src/protocol/events.ts";
import { root } from "../support/tree.ts";
import { startWorkerd, type Workerd } from "../support/workerd.ts";

const directory = mkdtempSync(join(tmpdir(), "bursar-generated-"));
const document = join(directory, "openapi.json");
const token = "operator-token-of-the-test-0123456789abcdef";
let governor: Workerd;

beforeAll(async () => {
  writeFileSync(document, JSON.stringify(openApiDocument("0.0.0")));
  const settings = { BURSAR_OPERATOR_TOKEN: token, BURSAR_KEY_SECRET: "key-secret-of-the-test-0123456789abcdef" };
  governor = await startWorkerd({ bursar: "PoolObject" }, { settings, isQuiet: true });
});

afterAll(async () => {
  await governor.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Runs a package's program with Node and gives what it printed. */
function run(args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw new Error(`node ${args.join(" ")} failed:\n${stdout}\n${stderr}`);
  return stdout;
}

const inPackages = (path: string): string => join(root, "node_modules", path);

/**
 * What a program that imports "typescript" gets: @hey-api/openapi-ts writes by the compiler's JavaScript API, which
 * TypeScript 7 no longer has. The copy that @ts-morph/common carries still does.
 */
const compilerApi = `
import { registerHooks } from "node:module";
const path = ${JSON.stringify(inPackages("@ts-morph/common/dist/typescript.js"))};
registerHooks({ resolve: (name, from, next) => next(name === "typescript" ? new URL(path, "file:").href : name, from) });
`;

/** Every kind of event is told from the others by its `type`, so that the compiler knows when one is left out. */
const describesEvents = `
export function describe(event: Event): string {
  switch (event.type) {
${Object.keys(eventTraits)
  .filter((type) => !["reserved", "committed", "warned"].includes(type))
  .map((type) => `    case "${type}":`)
  .join("\n")}
      return event.type;
    case "reserved":
      return \`\${event.agent} reserved \${event.granted}, \${event.on_expiry satisfies OnExpiry}\`;
    case "committed":
      return \`\${event.id} used \${event.amount}\`;
    case "warned":
      return event.warning === "threshold" ? \`\${event.percent} %\` : event.warning;
    default:
      return event satisfies never;
  }
}

export const tooMuch: ProblemCode = "budget_exceeded";
/** The codes that a program goes by are a closed list: were they any text, this would not compile. */
export const isClosed: string extends ProblemCode ? never : true = true;
`;

type Generator = {
  /** Writes the client to the folder `client` in this one. */
  readonly generate: (folder: string) => void;
  /** A program that sets a pool up, reserves, asks for too much, commits, and prints what came of it. */
  readonly program: string;
};

const generators: Readonly<Record<string, Generator>> = {
  "@hey-api/openapi-ts": {
    generate: (folder) => {
      writeFileSync(join(folder, "compiler-api.mjs"), compilerApi);
      const entry = inPackages("@hey-api/openapi-ts/dist/run.mjs");
      run(["--import", "./compiler-api.mjs", entry, "--input", document, "--output", "client"], folder);
    },
    program: `
import { client } from "./client/client.gen";
import { commitReservation, configurePool, createReservation, createTenant, listEvents, registerAgent } from "./client";
import type { Event, OnExpiry, ProblemCode } from "./client";
${describesEvents}
client.setConfig({ baseUrl: process.env["URL"] ?? "", auth: () => process.env["KEY"] });
const tenant = await createTenant({ body: { id: "hey" }, throwOnError: true });
client.setConfig({ auth: () => tenant.data.key.key });
const pool = "team";
await configurePool({ path: { pool }, body: { budget: 1_000 }, throwOnError: true });
const agent = "writer";
await registerAgent({ path: { pool, agent }, body: { priority: 1, max_tokens: 500 }, throwOnError: true });
const held = await createReservation({ path: { pool }, body: { agent, tokens: 200 }, throwOnError: true });
const refused = await createReservation({ path: { pool }, body: { agent, tokens: 5_000 } });
const code: ProblemCode | undefined = refused.error?.code;
await commitReservation({ path: { pool, id: held.data.id }, body: { tokens: 150 }, throwOnError: true });
const { data } = await listEvents({ path: { pool }, query: { after: 0, limit: 10 }, throwOnError: true });
console.log(JSON.stringify({ granted: held.data.granted, code, isKnown: code === tooMuch, events: data.events.map(describe) }));
`,
  },
  orval: {
    generate: (folder) => {
      const baseUrl = { runtime: 'process.env["URL"] ?? ""' };
      const config = { bursar: { input: document, output: { target: "client/index.ts", client: "fetch", baseUrl } } };
      writeFileSync(join(folder, "orval.config.mjs"), `export default ${JSON.stringify(config)};`);
      run([inPackages("orval/dist/bin/orval.mjs"), "--config", "orval.config.mjs", "--fail-on-warnings"], folder);
    },
    program: `
import { commitReservation, configurePool, createReservation, createTenant, listEvents, registerAgent } from "./client";
import type { Event, OnExpiry, ProblemCode } from "./client";
${describesEvents}
const by = (key: string | undefined): RequestInit => ({ headers: { authorization: \`Bearer \${key}\` } });
const tenant = await createTenant({ id: "orval" }, by(process.env["KEY"]));
if (tenant.status !== 201) throw new Error(tenant.data.detail);
const admin = by(tenant.data.key.key);
await configurePool("team", { budget: 1_000 }, admin);
await registerAgent("team", "writer", { priority: 1, max_tokens: 500 }, admin);
const held = await createReservation("team", { agent: "writer", tokens: 200 }, admin);
if (held.status !== 201) throw new Error(held.data.detail);
const refused = await createReservation("team", { agent: "writer", tokens: 5_000 }, admin);
const code: ProblemCode | undefined = refused.status === 402 ? refused.data.code : undefined;
await commitReservation("team", held.data.id, { tokens: 150 }, admin);
const page = await listEvents("team", { after: 0, limit: 10 }, admin);
const events = page.status === 200 ? page.data.events : [];
console.log(JSON.stringify({ granted: held.data.granted, code, isKnown: code === tooMuch, events: events.map(describe) }));
`,
  },
};

/**
 * The repository's own options, without those that generators do not write for: their helpers pass `undefined` for what
 * is left out. Declarations are checked, too.
 */
const options = {
  ...JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8")).compilerOptions,
  exactOptionalPropertyTypes: false,
  lib: ["ES2024", "DOM", "DOM.Iterable"],
  types: ["node"],
  typeRoots: [inPackages("@types")],
};

describe.each(Object.entries(generators))("a client that %s generates", (name, { generate, program }) => {
  const folder = join(directory, name.replaceAll("/", "-"));

  beforeAll(() => {
    mkdirSync(folder);
    generate(folder);
    writeFileSync(join(folder, "program.ts"), program);
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: options, include: ["client", "program.ts"] }),
    );
  });

  it("compiles in strict mode, with a program that uses it", () => {
    expect(run([inPackages("typescript/bin/tsc"), "-p", "."], folder)).toBe("");
  });

  it("has a function for every operation, and no name that the generator had to make up", () => {
    const written = readdirSync(join(folder, "client"), { encoding: "utf8" })
      .filter((path) => path.endsWith(".ts"))
      .map((path) => readFileSync(join(folder, "client", path), "utf8"));
    const names = [...written.join("\n").matchAll(/^export (?:type|interface|const) (\w+)/gm)].map(([, one]) => one);
    expect(names).toEqual(expect.arrayContaining(routes.map((route) => route.name)));
    // `ListKeysResponse2` is a second thing of that name, `…Item` what has none in an array, `…Writable` a twin.
    expect(names.filter((one) => /[a-z]\d{1,2}$|Item$|Writable$|(One|Any)Of/.test(String(one)))).toEqual([]);
  });

  it("reserves, is refused and commits at a governor, and reads the journal", async () => {
    await build({
      entryPoints: [join(folder, "program.ts")],
      bundle: true,
      format: "esm",
      platform: "node",
      outfile: join(folder, "program.mjs"),
      logLevel: "silent",
    });
    const printed = run(["program.mjs"], folder, { URL: governor.urls.bursar, KEY: token });
    const { granted, code, isKnown, events } = JSON.parse(printed);
    expect({ granted, code, isKnown }).toEqual({ granted: 200, code: "budget_exceeded", isKnown: true });
    expect(events).toEqual([
      "configured",
      "registered",
      "writer reserved 200, release",
      expect.stringMatching(/ used 150$/),
    ]);
  });
});
