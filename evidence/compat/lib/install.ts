/** Installs a client's newest packages, in a folder of their own outside the repository. */
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { root } from "../../../test/support/tree.ts";
import type { Client } from "../clients/client.ts";

const installsWithinMs = 600_000;
const execute = promisify(execFile);

/**
 * The folder with the client's packages, and their version; the newest of the registry where it is not there yet, or
 * `isFresh`. Rejects with npm's words where they can't be had.
 */
export async function install(
  client: Client,
  cache: string,
  isFresh: boolean,
): Promise<{ folder: string; version: string }> {
  const folder = join(cache, client.installedAs ?? client.id);
  const mark = join(folder, "installed.json");
  if (isFresh) rmSync(folder, { recursive: true, force: true });
  if (!existsSync(mark)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
    await execute("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", ...client.packages.map(newest)], {
      cwd: folder,
      timeout: installsWithinMs,
      env: {
        ...process.env,
        PATH: [join(root, "node_modules/node/bin"), dirname(process.execPath), process.env["PATH"]].join(delimiter),
      },
    });
    writeFileSync(mark, JSON.stringify(client.packages));
  }
  // Programs stand beside the packages that they import.
  cpSync(join(import.meta.dirname, "../programs"), join(folder, "programs"), { recursive: true });
  const [first = ""] = client.packages;
  return { folder, version: versionOf(folder, nameOf(first)) };
}

/** A package without a version is meant at its newest. */
const newest = (one: string): string => (one.lastIndexOf("@") > 0 ? one : `${one}@latest`);
const nameOf = (one: string): string => (one.lastIndexOf("@") > 0 ? one.slice(0, one.lastIndexOf("@")) : one);

function versionOf(folder: string, name: string): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(join(folder, "node_modules", name, "package.json"), "utf8"),
  );
  return manifest.version;
}
