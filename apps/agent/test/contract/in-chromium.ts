// The contract in a browser: a server for the page of packages/machine/test/browser, a relay from its WebSockets to
// connections, and a headless Chromium.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { build } from "vite";
import { type WebSocket, WebSocketServer } from "ws";
import type { PageRun } from "../../../../packages/machine/test/browser/page.ts";
import { launch } from "../../../web/test/browser.ts";
import type { ContractPrograms, Outcome } from "./hosts.ts";

const pageRoot = fileURLToPath(new URL("../../../../packages/machine/test/browser", import.meta.url));
const TIMEOUT_MS = 30_000;
const types: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };
/** Only an isolated page has shared memory. */
const isolated = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

export interface ChromiumHost {
  run(programs: ContractPrograms, which: "loader" | "contractLoader", end: RegExp): Promise<Outcome>;
  close(): Promise<void>;
}

/** Connects to where the WebSocket's address says, on the loopback only. */
function relay(socket: WebSocket, address: string): void {
  const { searchParams } = new URL(address, "ws://relay");
  if (searchParams.get("host") !== "127.0.0.1") return socket.close();
  const connection = connect({ host: "127.0.0.1", port: Number(searchParams.get("port")), noDelay: true });
  connection.on("connect", () => socket.send(new Uint8Array(0)));
  connection.on("data", (data) => socket.send(data));
  connection.on("close", () => socket.close());
  connection.on("error", () => socket.close());
  socket.on("message", (data: Buffer) => connection.write(data));
  socket.on("close", () => connection.destroy());
  socket.on("error", () => connection.destroy());
}

function serve(folder: string, contents: Map<string, Uint8Array>): Server {
  return createServer((request, response) => {
    const path = normalize(request.url === "/" ? "/index.html" : request.url!);
    const content = contents.get(path);
    const type = types[extname(path)] ?? "application/octet-stream";
    void (content ? Promise.resolve(content) : readFile(join(folder, path))).then(
      (bytes) => response.writeHead(200, { "content-type": type, ...isolated }).end(bytes),
      () => response.writeHead(404).end(),
    );
  });
}

export async function openChromium(executablePath: string): Promise<ChromiumHost> {
  const folder = await mkdtemp(join(tmpdir(), "flipside-device-page-"));
  await build({
    root: pageRoot,
    configFile: false,
    logLevel: "error",
    worker: { format: "es" },
    build: { outDir: folder, emptyOutDir: true, target: "es2022" },
  });
  const contents = new Map<string, Uint8Array>();
  const server = serve(folder, contents);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket, request) => relay(socket, request.url!));
  const { port } = server.address() as AddressInfo;
  let browser: Browser | undefined;
  return {
    async run(programs, which, end) {
      contents.set("/boot.wasm", programs[which].wasm).set("/flash", programs.virtualFlash);
      browser ??= await launch(executablePath);
      const page = await browser.newPage();
      const failures: string[] = [];
      page.on("pageerror", (error) => failures.push(`host: ${error.message}`));
      await page.goto(`http://127.0.0.1:${port}/`);
      await page.waitForFunction("globalThis.runDevice !== undefined");
      const run: PageRun = {
        layout: programs.virtualLayout,
        bootWasm: "/boot.wasm",
        flash: "/flash",
        rootKeys: [[...programs.rootKey]],
        relay: `ws://127.0.0.1:${port}/relay`,
        end: end.source,
        timeoutMs: TIMEOUT_MS,
      };
      const outcome = await page.evaluate((run) => globalThis.runDevice(run), run);
      await page.close();
      return { ...outcome, lines: [...outcome.lines, ...failures] };
    },
    async close() {
      await browser?.close();
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
