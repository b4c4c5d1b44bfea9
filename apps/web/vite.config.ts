import { fileURLToPath } from "node:url";
import { lingui } from "@lingui/vite-plugin";
import { defineConfig } from "vite";
import { reactWithMessages } from "./build/macros.ts";
import { precompress } from "./build/precompress.ts";

// While the console is developed, the fleet manager is expected where it listens by default.
const server = process.env["FLIPSIDE_SERVER"] ?? "http://localhost:8080";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  plugins: [
    reactWithMessages(),
    lingui({ configPath: fileURLToPath(new URL("lingui.config.ts", import.meta.url)) }),
    precompress(),
  ],
  worker: { format: "es" },
  // Inlined `data:` assets would need a weaker content security policy than the server gives.
  build: { outDir: "dist", emptyOutDir: true, assetsInlineLimit: 0, target: "es2022" },
  server: { proxy: { "/api": { target: server } } },
});
