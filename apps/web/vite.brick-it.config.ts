// The page "Try to brick it": static files with addresses relative to the page, for a folder of any static server.
// Below the console, and on its own.

import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { buildDemonstration } from "./build/demonstration.ts";
import { inLanguages } from "./build/macros.ts";
import { precompress } from "./build/precompress.ts";

export default defineConfig(async () => ({
  root: fileURLToPath(new URL("brick-it", import.meta.url)),
  base: "./",
  // The modules by the names that everybody knows them by.
  publicDir: await buildDemonstration(),
  plugins: [inLanguages(), precompress()],
  worker: { format: "es" as const, plugins: inLanguages },
  build: { outDir: "../dist/brick-it", emptyOutDir: true, assetsInlineLimit: 0, target: "es2022" },
}));
