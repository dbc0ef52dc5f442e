/**
 * A real browser for tests: the Chromium that is there, or Debian's, which is installed when the tests run as root.
 * Elsewhere the tests that need it say how to get one and are skipped; CI never skips.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const places = [
  process.env["CHROMIUM"] ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

/** The browser's program; undefined where there is none and none can be installed. */
export function findChromium(): string | undefined {
  const found = places.find((path) => path !== "" && existsSync(path));
  if (found !== undefined) return found;
  if (process.getuid?.() === 0 && existsSync("/etc/debian_version")) {
    console.info("installing Debian's Chromium for the tests …");
    const options = { encoding: "utf8", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } } as const;
    spawnSync("apt-get", ["update", "-qq"], options);
    const installed = spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium"], options);
    if (existsSync("/usr/bin/chromium")) return "/usr/bin/chromium";
    console.info(installed.stderr);
  }
  const how = "No Chromium found. Install it (Debian: apt-get install chromium), or name one in CHROMIUM.";
  if (process.env["CI"] === "true") throw new Error(how);
  console.info(how);
  return undefined;
}

export async function launch(executablePath: string): Promise<Browser> {
  const quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"];
  return chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-sync", ...quiet],
    // A folder of its own: another test's browser keeps its lock on the default one.
    env: { ...process.env, HOME: mkdtempSync(join(tmpdir(), "bursar-browser-")) },
  });
}
