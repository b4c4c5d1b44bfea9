// The page "Try to brick it": static files with addresses relative to the page, for a folder of any static server.
// Below the console, and on its own.

import { fileURLToPath } from "node:url";
import { lingui } from "@lingui/vite-plugin";
import { defineConfig, type PluginOption } from "vite";
import { buildDemonstration } from "./build/demonstration.ts";
import { reactWithMessages } from "./build/macros.ts";
import { precompress } from "./build/precompress.ts";

const words = (): PluginOption[] => [
  reactWithMessages(),
  lingui({ configPath: fileURLToPath(new URL("lingui.config.ts", import.meta.url)) }),
];

export default defineConfig(async () => ({
  root: fileURLToPath(new URL("brick-it", import.meta.url)),
  base: "./",
  // The modules by the names that everybody knows them by.
  publicDir: await buildDemonstration(),
  plugins: [words(), precompress()],
  // Workers speak, too; they are built on their own.
  worker: { format: "es" as const, plugins: words },
  build: { outDir: "../dist/brick-it", emptyOutDir: true, assetsInlineLimit: 0, target: "es2022" },
}));
