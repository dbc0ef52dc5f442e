/** `npm run build`: what the Worker serves without running (dist/assets), and the command-line tool (dist/cli). */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { writePrices } from "./prices.ts";

// First, because the API's routes carry the prices.
writePrices();
const { openApiDocument } = await import("../src/http/openapi.ts");

const root = join(import.meta.dirname, "..");
const assets = join(root, "dist/assets");
const swagger = join(root, "node_modules/swagger-ui-dist");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

rmSync(assets, { recursive: true, force: true });
mkdirSync(join(assets, "docs"), { recursive: true });
writeFileSync(join(assets, "openapi.json"), JSON.stringify(openApiDocument(version)));
for (const file of ["swagger-ui.css", "swagger-ui-bundle.js"])
  copyFileSync(join(swagger, file), join(assets, "docs", file));
for (const file of ["index.html", "start.js"])
  copyFileSync(join(root, "src/docs-page", file), join(assets, "docs", file));
copyFileSync(join(root, "src/docs-page/headers"), join(assets, "_headers"));

buildSync({
  entryPoints: [join(root, "src/cli/bursar.ts")],
  outfile: join(root, "dist/cli/bursar.js"),
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  banner: { js: "#!/usr/bin/env node" },
  define: { BURSAR_VERSION: JSON.stringify(version) },
  logLevel: "warning",
});
chmodSync(join(root, "dist/cli/bursar.js"), 0o755);
