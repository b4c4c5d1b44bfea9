// The console's files. Names below /assets/ carry a hash of their content, so they are kept for a year; index.html
// names them and is asked for anew each time. What vite's build has compressed (name.br, name.gz) is sent as it lies.
// Below /brick-it/ lies a page of its own ("Try to brick it"). Its fleet.json tells which fleet's server it came from.

import { statSync } from "node:fs";
import { join } from "node:path";
import type { FleetBeside } from "@flipside/api/fleet-beside";
import express, { type Request, type RequestHandler, type Response, Router } from "express";
import { ApiError } from "./errors.ts";

const encodings = [
  { coding: "br", suffix: ".br" },
  { coding: "gzip", suffix: ".gz" },
];
/** Nothing that climbs out of the folder or names a hidden file. */
const plainPath = /^(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/;
/** Whose id may have one. */
const pageOfDevice = /^\/devices\/[^/]+$/;
const hashedPath = /^(?:\/brick-it)?\/assets\/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+(?:\.br|\.gz)?$/;

/**
 * The workers of "Try to brick it", and the one in which the console looks at release files, run WebAssembly. A worker
 * goes by the policy that its script came with; the pages around them keep the console's
 * (docs/decisions/0033-a-device-in-the-tab.md).
 */
const wasmWorkerPath =
  /^\/(?:brick-it\/assets\/(?:replay-)?worker|assets\/release-check-worker)-[A-Za-z0-9_-]{8,}\.js$/;
const wasmWorkerPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";

/**
 * The worker whose device joins the fleet. Its address names the port that it connects to, so that no script is kept
 * with the policy of another port.
 */
const joiningWorkerPath = /^\/brick-it\/assets\/worker-[A-Za-z0-9_-]{8,}\.js$/;

/**
 * Of a worker's script; undefined: the path is of something else, which has the policy of everything. `joins`: where
 * its device connects, as a source of the policy (CSP 3, section 2.3.1).
 */
export const workerPolicy = (path: string, joins?: string): string | undefined =>
  wasmWorkerPath.test(path) ? wasmWorkerPolicy + (joins === undefined ? "" : ` ${joins}`) : undefined;

/** The policy knows no literal addresses of IPv6: there it is the port alone. */
function sourceOf(request: Request, port: number): string {
  const scheme = request.secure ? "wss" : "ws";
  return `${scheme}://${/^[A-Za-z0-9.-]+$/.test(request.hostname) ? request.hostname : "*"}:${port}`;
}

function setCaching(response: Response, path: string): void {
  response.setHeader("Cache-Control", hashedPath.test(path) ? "public, max-age=31536000, immutable" : "no-cache");
}

/** `consoleDir` is absolute. `mqttWebSocketPort`: where devices connect over WebSocket; null: nowhere. */
export function consoleFiles(consoleDir: string, mqttWebSocketPort: () => number | null): Router {
  const isFile = (path: string): boolean =>
    plainPath.test(path) && statSync(join(consoleDir, path), { throwIfNoEntry: false })?.isFile() === true;

  /** Undefined: it is of another device, or names another port than that of today. */
  function joined(request: Request): string | undefined {
    const port = mqttWebSocketPort();
    if (port === null || request.query["mqtt"] !== String(port) || !joiningWorkerPath.test(request.path))
      return undefined;
    return sourceOf(request, port);
  }

  /** In place of the file that a static server has there (apps/web/build/demonstration.ts). */
  const fleetBeside: RequestHandler = (_request, response) => {
    response.setHeader("Cache-Control", "no-store");
    response.json({ fleet: { mqttWebSocketPort: mqttWebSocketPort() } } satisfies FleetBeside);
  };

  /** Addresses of the console's own pages have no dot but a device's; any other is a file, here or not. */
  const pages: RequestHandler = (request, response, next) => {
    const name = request.path.slice(request.path.lastIndexOf("/") + 1);
    if (request.method !== "GET" && request.method !== "HEAD")
      throw new ApiError("not-found", "The interface is below /api.");
    if (request.path === "/brick-it") return response.redirect(301, "/brick-it/");
    if (request.path === "/brick-it/" && isFile("/brick-it/index.html")) request.url = "/brick-it/index.html";
    const policy = workerPolicy(request.path, joined(request));
    if (policy !== undefined) response.setHeader("Content-Security-Policy", policy);
    const isPage = !name.includes(".") || pageOfDevice.test(request.path);
    if (isPage && !request.path.startsWith("/assets/") && !isFile(request.path)) request.url = "/index.html";
    next();
  };

  const compressed: RequestHandler = (request, response, next) => {
    const { path } = request;
    if (!isFile(path)) return next();
    response.vary("Accept-Encoding");
    const chosen = encodings.find(
      ({ coding, suffix }) => request.acceptsEncodings(coding) === coding && isFile(path + suffix),
    );
    if (chosen === undefined) return next();
    setCaching(response, path);
    response.type(path.slice(path.lastIndexOf("."))).setHeader("Content-Encoding", chosen.coding);
    // A root of its own, here and below: only what lies under it is judged hidden or not, wherever it was installed.
    response.sendFile(
      path.slice(1) + chosen.suffix,
      { root: consoleDir, cacheControl: false, acceptRanges: false },
      (error) => error && next(error),
    );
  };

  const plain = express.static(consoleDir, {
    index: false,
    redirect: false,
    cacheControl: false,
    setHeaders: (response: Response) => setCaching(response, response.req.path),
  });

  const missing: RequestHandler = (request, _response) => {
    const isPage = request.path === "/index.html";
    throw new ApiError(
      "not-found",
      isPage
        ? "The console is not built. Run: npm run build"
        : "There is no such file. If the console was updated, load the page again.",
    );
  };

  return Router().get("/brick-it/fleet.json", fleetBeside).use(pages, compressed, plain, missing);
}
