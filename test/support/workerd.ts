/**
 * The Worker on plain `workerd serve`, with nothing in front of it and nothing between it and the disk: what it says
 * and what it stores can be seen from outside. `wrangler dev` puts a proxy and a log line before each request, which
 * takes ten times as long as the Worker does.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { signKey } from "../../src/http/signature.ts";
import type { Capability } from "../../src/protocol/key.ts";
import { freePort } from "./port.ts";
import { root } from "./tree.ts";

export const operatorToken = "operator-token-of-plain-workerd-0123456789";
const secrets = {
  BURSAR_OPERATOR_TOKEN: operatorToken,
  BURSAR_KEY_SECRET: "key-secret-of-plain-workerd-0123456789abcd",
};

/** An admin key of a tenant that no directory lists: a signature is all that the Worker asks for. */
export const key = await signKey({ tenant: "bench", key_id: "bench", scope: "admin" }, secrets);
const bin = (name: string): string => join(root, "node_modules", ".bin", name);

/** A key of that tenant's, for whatever it is to do. */
export function keyFor(capability: Omit<Capability, "tenant" | "key_id">): Promise<string> {
  return signKey({ tenant: "bench", key_id: crypto.randomUUID(), ...capability }, secrets);
}

export type Workerd<Name extends string = "bursar"> = {
  /** Base URL of each service, by name. */
  readonly urls: Readonly<Record<Name, string>>;
  /** Holds the folder of each service's databases, `data/NAME`. */
  readonly directory: string;
  readonly process: ChildProcess;
  /** Everything that it has printed so far; nothing unless it is quiet. */
  said(): string;
  /** Ends it and deletes its data. */
  stop(): Promise<void>;
  /** Ends it and starts it again on the same data. */
  restart(): Promise<Workerd<Name>>;
};

export type WorkerdOptions = {
  /** Further bindings, texts by their names; its secrets, too, where others than this file's are wanted. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The wrangler configuration that says what to bundle; without one the Worker as it is. */
  readonly config?: string;
  /** Keeps what it prints for `said` instead of printing it. */
  readonly isQuiet?: boolean;
  /** Whether it reaches this machine, too: of the network it reaches what is public, as workerd has it. */
  readonly reachesThisMachine?: boolean;
  /** Whether a tail worker prints what the platform sees of it: a line `{"traced": …}` for each event. */
  readonly isTraced?: boolean;
  /** Is given the folder of each service's data, by its name, before anything runs. */
  readonly prepare?: (folder: string, name: string) => void;
};

/** Bundles the Worker once and serves it once per entry of `pools`: the service's name → the class bound as POOLS. */
export async function startWorkerd<Name extends string>(
  pools: Readonly<Record<Name, string>>,
  options: WorkerdOptions = {},
): Promise<Workerd<Name>> {
  const directory = mkdtempSync(join(tmpdir(), "bursar-workerd-"));
  const configuration = options.config ?? join(import.meta.dirname, "worker.toml");
  const bundle = spawnSync(
    bin("wrangler"),
    ["deploy", "--dry-run", "--config", configuration, "--outdir", join(directory, "bundle")],
    { encoding: "utf8", env: { ...process.env, WRANGLER_SEND_METRICS: "false" } },
  );
  if (bundle.status !== 0) throw new Error(`wrangler could not bundle: ${bundle.stderr}`);
  const names = Object.keys(pools) as Name[];
  const ports = await Promise.all(names.map(freePort));
  const services = names.map((name, index) => ({ name, className: pools[name], port: ports[index] ?? 0 }));
  for (const { name } of services) {
    const folder = join(directory, "data", name);
    mkdirSync(folder, { recursive: true });
    options.prepare?.(folder, name);
  }
  const script = readdirSync(join(directory, "bundle")).find((file) => file.endsWith(".js")) ?? "worker.js";
  writeFileSync(join(directory, "tail.js"), tail);
  writeFileSync(join(directory, "config.capnp"), config(services, script, options));
  return serve(directory, services, options.isQuiet ?? false);
}

/** Told by the platform what happens in the Worker, as an exporter of traces would be. */
const tail = `
const plain = (_, value) => (typeof value === "bigint" ? Number(value) : value);
const print = (event) => console.log(JSON.stringify({ traced: event }, plain));
export default { tailStream: (onset) => (print(onset), print) };
`;

type Service<Name extends string> = { readonly name: Name; readonly className: string; readonly port: number };

async function serve<Name extends string>(
  directory: string,
  services: readonly Service<Name>[],
  isQuiet: boolean,
): Promise<Workerd<Name>> {
  const child = spawn(bin("workerd"), ["serve", "config.capnp", "--experimental"], {
    cwd: directory,
    stdio: isQuiet ? ["ignore", "pipe", "pipe"] : "inherit",
  });
  const said: string[] = [];
  const keep = (chunk: Buffer): void => void said.push(chunk.toString());
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  const urls = Object.fromEntries(services.map(({ name, port }) => [name, `http://127.0.0.1:${port}`]));
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const end = async (): Promise<void> => {
    child.kill("SIGKILL");
    await gone;
  };
  const stop = async (): Promise<void> => {
    await end();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await Promise.all(Object.values(urls).map((url) => answers(url, child)));
  } catch (error) {
    await stop();
    throw new Error(`the Worker did not start:\n${said.join("").slice(-2_000)}`, { cause: error });
  }
  return {
    urls: urls as Record<Name, string>,
    directory,
    process: child,
    said: () => said.join(""),
    stop,
    restart: async () => {
      await end();
      return serve(directory, services, isQuiet);
    },
  };
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200 && child.exitCode === null; tries++) {
    try {
      if ((await fetch(`${url}/healthz`)).ok) return;
    } catch {
      // It does not listen yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${url} does not answer`);
}

function config(
  services: readonly Service<string>[],
  script: string,
  { settings = {}, reachesThisMachine = false, isTraced = false }: WorkerdOptions,
): string {
  const texts = Object.entries({ ...secrets, ...settings });
  const workers = services.map(
    ({ name, className }) => `
const ${name}Worker :Workerd.Worker = (
  modules = [ (name = "worker", esModule = embed "bundle/${script}") ],
  compatibilityDate = "2026-10-01",
  compatibilityFlags = ["no_web_socket_compression", "enable_request_signal"${isTraced ? ', "streaming_tail_worker", "tail_worker_user_spans"' : ""}],
  ${isTraced ? 'streamingTails = ["tail"],' : ""}
  bindings = [
    (name = "POOLS", durableObjectNamespace = "${className}"),
    (name = "TENANTS", durableObjectNamespace = "TenantObject"),
    (name = "DIRECTORY", durableObjectNamespace = "DirectoryObject"),
    (name = "WEBHOOKS", durableObjectNamespace = "WebhooksObject"),
    ${texts.map(([text, value]) => `(name = "${text}", text = ${JSON.stringify(value)}),`).join("\n    ")}
  ],
  durableObjectNamespaces = [
    (className = "${className}", uniqueKey = "${name}-pools", enableSql = true),
    (className = "TenantObject", uniqueKey = "${name}-tenants", enableSql = true),
    (className = "DirectoryObject", uniqueKey = "${name}-directory", enableSql = true),
    (className = "WebhooksObject", uniqueKey = "${name}-webhooks", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "${name}-data"),
);`,
  );
  const listed = services.map(
    ({ name }) =>
      `(name = "${name}", worker = .${name}Worker), (name = "${name}-data", disk = (path = "data/${name}", writable = true)),`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ${reachesThisMachine ? '(name = "internet", network = (allow = ["public", "private"])),' : ""}
    ${isTraced ? '(name = "tail", worker = .tail),' : ""}
    ${listed.join("\n    ")}
  ],
  sockets = [ ${services.map(({ name, port }) => `(name = "${name}", address = "127.0.0.1:${port}", http = (), service = "${name}")`).join(", ")} ],
);
const tail :Workerd.Worker = (
  modules = [ (name = "tail", esModule = embed "tail.js") ],
  compatibilityDate = "2026-10-01",
  compatibilityFlags = ["streaming_tail_worker"],
);
${workers.join("\n")}
`;
}
