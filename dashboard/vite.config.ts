/** Builds the page into the Worker's own assets. Everything is a file of ours: the page's policy lets nothing else in. */
import { join } from "node:path";
import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  base: "/dashboard/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: join(import.meta.dirname, "../dist/assets/dashboard"),
    emptyOutDir: true,
    target: "es2022",
    // Small files would become data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
