/**
 * The Worker on plain `workerd serve`, with nothing in front of it and nothing between it and the disk: what it says
 * and what it stores can be seen from outside.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../scripts/governor.ts";
import { root } from "./tree.ts";

export type Served = {
  readonly url: string;
  readonly port: number;
  /** The folder of its databases. */
  readonly data: string;
  /** Everything that it has printed so far. */
  said(): string;
  /** The files in it, by class and id of the object that each belongs to. */
  databases(): string[];
  /** Ends it and deletes its data. */
  stop(): Promise<void>;
};

const bin = (name: string): string => join(root, "node_modules", ".bin", name);
const classes = {
  POOLS: "PoolObject",
  TENANTS: "TenantObject",
  DIRECTORY: "DirectoryObject",
  WEBHOOKS: "WebhooksObject",
};

export type ServedOptions = {
  /** Whether it reaches this machine, too: of the network it reaches what is public, as workerd has it. */
  readonly reachesThisMachine?: boolean;
  /** Whether a tail worker prints what the platform sees of it: a line `{"traced": …}` for each event. */
  readonly isTraced?: boolean;
};

/** Told by the platform what happens in the Worker, as an exporter of traces would be. */
const tail = `
const plain = (_, value) => (typeof value === "bigint" ? Number(value) : value);
const print = (event) => console.log(JSON.stringify({ traced: event }, plain));
export default { tailStream: (onset) => (print(onset), print) };
`;

/** Starts it with these texts as bindings: its secrets and settings. */
export async function serve(
  texts: Readonly<Record<string, string>>,
  { reachesThisMachine = false, isTraced = false }: ServedOptions = {},
): Promise<Served> {
  const directory = mkdtempSync(join(tmpdir(), "bursar-served-"));
  const data = join(directory, "data");
  mkdirSync(data);
  // The bench's worker is the Worker as it is; its configuration binds nothing that plain workerd doesn't have.
  const bundled = spawnSync(
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
  if (bundled.status !== 0) throw new Error(`wrangler could not bundle: ${bundled.stderr}`);
  const script = readdirSync(join(directory, "bundle")).find((file) => file.endsWith(".js")) ?? "worker.js";
  const port = await freePort();
  writeFileSync(join(directory, "tail.js"), tail);
  writeFileSync(join(directory, "config.capnp"), config(script, port, texts, { reachesThisMachine, isTraced }));

  const child = spawn(bin("workerd"), ["serve", "config.capnp", "--experimental"], {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said: string[] = [];
  const keep = (chunk: Buffer): void => void said.push(chunk.toString());
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; !(await answers(url)); tries++) {
    if (child.exitCode !== null || tries > 200) {
      await stop();
      throw new Error(`the Worker did not start:\n${said.join("").slice(-2_000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url,
    port,
    data,
    said: () => said.join(""),
    databases: () =>
      readdirSync(data, { recursive: true, encoding: "utf8" })
        .filter((path) => path.includes(".sqlite"))
        .toSorted(),
    stop,
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/healthz`)).ok;
  } catch {
    return false;
  }
}

function config(
  script: string,
  port: number,
  texts: Readonly<Record<string, string>>,
  { reachesThisMachine, isTraced }: Required<ServedOptions>,
): string {
  const objects = Object.entries(classes);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "bursar", worker = .bursar),
    (name = "data", disk = (path = "data", writable = true)),
    ${isTraced ? '(name = "tail", worker = .tail),' : ""}
    ${reachesThisMachine ? '(name = "internet", network = (allow = ["public", "private"])),' : ""}
  ],
  sockets = [ (name = "http", address = "127.0.0.1:${port}", http = (), service = "bursar") ],
);
const bursar :Workerd.Worker = (
  modules = [ (name = "worker", esModule = embed "bundle/${script}") ],
  compatibilityDate = "2026-10-01",
  compatibilityFlags = ["enable_request_signal"${isTraced ? ', "streaming_tail_worker", "tail_worker_user_spans"' : ""}],
  ${isTraced ? 'streamingTails = ["tail"],' : ""}
  bindings = [
    ${objects.map(([name, className]) => `(name = "${name}", durableObjectNamespace = "${className}"),`).join("\n    ")}
    ${Object.entries(texts)
      .map(([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)}),`)
      .join("\n    ")}
  ],
  durableObjectNamespaces = [
    ${objects.map(([, className]) => `(className = "${className}", uniqueKey = "${className}", enableSql = true),`).join("\n    ")}
  ],
  durableObjectStorage = (localDisk = "data"),
);
const tail :Workerd.Worker = (
  modules = [ (name = "tail", esModule = embed "tail.js") ],
  compatibilityDate = "2026-10-01",
  compatibilityFlags = ["streaming_tail_worker"],
);
`;
}
