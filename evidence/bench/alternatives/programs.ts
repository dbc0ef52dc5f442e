/** Debian's programs: found, or installed where this may. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

const packages: Readonly<Record<string, string>> = { "redis-server": "redis-server", postgres: "postgresql" };

/** Its path in one of `folders`; undefined where it is not and can't be installed. */
export function findProgram(name: string, folders: readonly string[]): string | undefined {
  const find = (): string | undefined => folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (find() === undefined && process.getuid?.() === 0 && existsSync("/etc/debian_version")) {
    console.error(`… installing Debian's ${packages[name] ?? name}`);
    spawnSync("apt-get", ["update", "-qq"]);
    spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", packages[name] ?? name]);
  }
  return find();
}

/** The folders of Debian's PostgreSQL, newest version first. */
export function postgresFolders(): string[] {
  const all = "/usr/lib/postgresql";
  const versions = existsSync(all) ? readdirSync(all) : ["15", "17"];
  return versions.toSorted((a, b) => Number(b) - Number(a)).map((version) => join(all, version, "bin"));
}
