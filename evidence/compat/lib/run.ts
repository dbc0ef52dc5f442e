/** Runs a client as a user would, in a home of its own, until it ends or its time is over. */
import { spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { root } from "../../../test/support/tree.ts";

export type Ran = {
  /** undefined where its time was over. */
  readonly status: number | undefined;
  readonly seconds: number;
  /** What a human sees: both streams as they came, without colours. */
  readonly said: string;
};

export type Place = {
  /** Folder that is the client's home, with all that it configures and keeps. */
  readonly home: string;
  /** Folder that it works in. */
  readonly work: string;
  /** Proxy for all addresses but the governor's. */
  readonly proxy: string;
};

/** The Node of this repository, for clients that ask for a newer one than the machine's. */
const node = join(root, "node_modules/node/bin");
// oxlint-disable-next-line no-control-regex
const escapes = /\u001B\[[0-9;?]*[A-Za-z]|\u001B\][^\u0007]*\u0007|\r/g;

/** An environment with nothing of the starter's but where programs are. */
export function environmentAt({ home, proxy }: Place, settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const proxies = Object.fromEntries(
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].flatMap((name) => [
      [name, proxy],
      [name.toLowerCase(), proxy],
    ]),
  );
  return {
    PATH: [node, dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"].join(delimiter),
    HOME: home,
    XDG_CONFIG_HOME: join(home, ".config"),
    XDG_DATA_HOME: join(home, ".local/share"),
    XDG_STATE_HOME: join(home, ".local/state"),
    XDG_CACHE_HOME: join(home, ".cache"),
    TMPDIR: join(home, "tmp"),
    LANG: "C.UTF-8",
    TERM: "dumb",
    NO_COLOR: "1",
    ...proxies,
    NO_PROXY: "127.0.0.1,localhost",
    no_proxy: "127.0.0.1,localhost",
    ...settings,
  };
}

export function run(
  [program = "", ...args]: readonly string[],
  { place, environment, withinMs }: { place: Place; environment: NodeJS.ProcessEnv; withinMs: number },
): Promise<Ran> {
  const begun = Date.now();
  // A group of its own, so that what it starts ends with it.
  const child = spawn(program, args, {
    cwd: place.work,
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const end = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  };
  process.once("exit", end);
  let said = "";
  const keep = (chunk: Buffer): void => void (said += chunk.toString());
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  return new Promise((resolve, reject) => {
    let isOver = false;
    const timer = setTimeout(() => {
      isOver = true;
      end();
    }, withinMs);
    child.once("error", reject);
    child.once("exit", (status) => {
      clearTimeout(timer);
      end();
      process.off("exit", end);
      const ran = { status: isOver ? undefined : (status ?? 1), seconds: (Date.now() - begun) / 1_000 };
      // What it wrote last may come after its end.
      setTimeout(() => resolve({ ...ran, said: said.replaceAll(escapes, "") }), 50);
    });
  });
}
