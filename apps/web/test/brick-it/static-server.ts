// The least static server: it knows files and their types, and nothing else. Its folder lies below a path, as a project
// page does.

import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const types: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};

/** Serves `folder` below `/some/project/`. */
export class StaticServer {
  readonly #server: Server;

  constructor(folder: string) {
    this.#server = createServer((request, response) => {
      const { pathname } = new URL(request.url!, "http://static");
      const [, below] = /^\/some\/project\/(.*)$/.exec(pathname) ?? [];
      if (below === undefined) return void response.writeHead(404).end();
      const name = normalize(below === "" ? "index.html" : below);
      readFile(join(folder, name)).then(
        (bytes) => response.setHeader("content-type", types[extname(name)] ?? "application/octet-stream").end(bytes),
        () => response.writeHead(404).end(),
      );
    });
  }

  /** The page's address. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/some/project/`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
