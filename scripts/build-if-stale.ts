/**
 * What `wrangler` runs before it starts or deploys the Worker: builds what is served and run, but only where a source
 * is newer. A build empties the folder of assets for a moment, and another governor may be serving from it.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const sources = ["src", "dashboard", "scripts", "package.json", "package-lock.json", "tsconfig.json"];
/** One of each kind of thing that `npm run build` makes. */
const made = [
  "dist/assets/openapi.json",
  "dist/assets/docs/index.html",
  "dist/assets/dashboard/index.html",
  "dist/cli/bursar.js",
  "dist/lib/client/index.js",
  "dist/prices.json",
];

/** When `path`, or what is in it, was changed last. */
function changedAt(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => changedAt(join(path, name))));
}

function madeAt(path: string): number {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

const newest = Math.max(...sources.map((path) => changedAt(join(root, path))));
if (Math.min(...made.map(madeAt)) < newest) {
  const { status } = spawnSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: "inherit" });
  process.exitCode = status ?? 1;
}
