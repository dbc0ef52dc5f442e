/**
 * Bundles a Worker and runs it on plain `workerd serve`. `wrangler dev` puts a proxy and a log line before each
 * request, which is ten times what is to be measured.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { signKey } from "../../../src/http/signature.ts";
import type { Capability } from "../../../src/protocol/key.ts";

const secrets = {
  BURSAR_OPERATOR_TOKEN: "operator-token-of-the-benchmark-0123456789",
  BURSAR_KEY_SECRET: "key-secret-of-the-benchmark-0123456789abcd",
};

/** An admin key of a tenant that nobody listed; that it is signed is all that counts. */
export const key = await signKey({ tenant: "bench", key_id: "bench", scope: "admin" }, secrets);
const root = new URL("../../..", import.meta.url).pathname;
const bin = (name: string): string => join(root, "node_modules", ".bin", name);

export type Workerd = {
  /** Base URL of each service, by name. */
  readonly urls: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly process: ChildProcess;
  /** Ends it and deletes its data. */
  stop(): Promise<void>;
  /** Ends it and starts it again on the same data. */
  restart(): Promise<Workerd>;
};

/** A key of that tenant's, for whatever it is to do. */
export function keyFor(capability: Omit<Capability, "tenant" | "key_id">): Promise<string> {
  return signKey({ tenant: "bench", key_id: crypto.randomUUID(), ...capability }, secrets);
}

export type WorkerdOptions = {
  /** Further bindings, texts by their names. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Says nothing of what it meets: streams that are broken off on purpose, for example. */
  readonly isQuiet?: boolean;
  /** Is given the folder of each service's data, by its name, before anything runs. */
  readonly prepare?: (folder: string, name: string) => void;
};

/** Bundles `evidence/bench/pool/worker.ts` once and serves it once per entry of `pools`: name → class bound as POOLS. */
export async function startWorkerd(
  pools: Readonly<Record<string, string>>,
  { settings = {}, isQuiet = false, prepare }: WorkerdOptions = {},
): Promise<Workerd> {
  const directory = mkdtempSync(join(tmpdir(), "bursar-bench-"));
  const bundle = spawnSync(
    bin("wrangler"),
    [
      "deploy",
      "--dry-run",
      "--config",
      join(root, "evidence/bench/pool/wrangler.toml"),
      "--outdir",
      join(directory, "bundle"),
    ],
    { encoding: "utf8", env: { ...process.env, WRANGLER_SEND_METRICS: "false" } },
  );
  if (bundle.status !== 0) throw new Error(`wrangler could not bundle: ${bundle.stderr}`);
  const ports = await Promise.all(Object.keys(pools).map(freePort));
  const services = Object.entries(pools).map(([name, className], index) => ({
    name,
    className,
    port: ports[index] ?? 0,
  }));
  for (const { name } of services) {
    const folder = join(directory, "data", name);
    mkdirSync(folder, { recursive: true });
    prepare?.(folder, name);
  }
  const script = readdirSync(join(directory, "bundle")).find((file) => file.endsWith(".js")) ?? "worker.js";
  writeFileSync(join(directory, "config.capnp"), config(services, script, settings));
  return serve(directory, services, isQuiet);
}

type Service = { readonly name: string; readonly className: string; readonly port: number };

async function serve(directory: string, services: readonly Service[], isQuiet: boolean): Promise<Workerd> {
  const child = spawn(bin("workerd"), ["serve", "config.capnp", "--experimental"], {
    cwd: directory,
    stdio: isQuiet ? "ignore" : "inherit",
  });
  const urls = Object.fromEntries(services.map(({ name, port }) => [name, `http://127.0.0.1:${port}`]));
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const end = async (): Promise<void> => {
    child.kill("SIGKILL");
    await gone;
  };
  await Promise.all(Object.values(urls).map(answers));
  return {
    urls,
    directory,
    process: child,
    stop: async () => {
      await end();
      rmSync(directory, { recursive: true, force: true });
    },
    restart: async () => {
      await end();
      return serve(directory, services, isQuiet);
    },
  };
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    try {
      if ((await fetch(`${url}/healthz`)).ok) return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error(`${url} does not answer`);
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function config(services: readonly Service[], script: string, settings: Readonly<Record<string, string>>): string {
  const workers = services.map(
    ({ name, className }) => `
const ${name}Worker :Workerd.Worker = (
  modules = [ (name = "worker", esModule = embed "bundle/${script}") ],
  compatibilityDate = "2026-10-01",
  compatibilityFlags = ["no_web_socket_compression", "enable_request_signal"],
  bindings = [
    (name = "POOLS", durableObjectNamespace = "${className}"),
    (name = "TENANTS", durableObjectNamespace = "TenantObject"),
    (name = "DIRECTORY", durableObjectNamespace = "DirectoryObject"),
    (name = "WEBHOOKS", durableObjectNamespace = "WebhooksObject"),
    ${Object.entries({ ...secrets, ...settings })
      .map(([name, text]) => `(name = "${name}", text = "${text}"),`)
      .join("\n    ")}
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
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "internet", network = (allow = ["public", "private"])),
    ${services.map(({ name }) => `(name = "${name}", worker = .${name}Worker), (name = "${name}-data", disk = (path = "data/${name}", writable = true)),`).join("\n    ")}
  ],
  sockets = [ ${services.map(({ name, port }) => `(name = "${name}", address = "127.0.0.1:${port}", http = (), service = "${name}")`).join(", ")} ],
);
${workers.join("\n")}
`;
}
