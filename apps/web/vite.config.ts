import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { inLanguages } from "./build/macros.ts";
import { precompress } from "./build/precompress.ts";
import { preloadShell } from "./build/preload-shell.ts";

// While the console is developed, the fleet manager is expected where it listens by default.
const server = process.env["FLIPSIDE_SERVER"] ?? "http://localhost:8080";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  plugins: [inLanguages(), preloadShell(), precompress()],
  worker: { format: "es", plugins: inLanguages },
  // Inlined `data:` assets would need a weaker content security policy than the server gives.
  build: { outDir: "dist", emptyOutDir: true, assetsInlineLimit: 0, target: "es2022" },
  server: { proxy: { "/api": { target: server } } },
});
