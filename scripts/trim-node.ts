/**
 * What `npm ci` does last with the Node in `node_modules`: its headers, a third of its 193 MB, are for native add-ons
 * that are compiled, and there are none here.
 */
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

// `node` installs the package of this machine's platform within itself.
const platforms = join(import.meta.dirname, "../node_modules/node/node_modules");

if (statSync(platforms, { throwIfNoEntry: false }) !== undefined) {
  for (const name of readdirSync(platforms)) rmSync(join(platforms, name, "include"), { recursive: true, force: true });
}
