// The console's files. Names below /assets/ carry a hash of their content, so they are kept for a year; index.html
// names them and is asked for anew each time. What vite's build has compressed (name.br, name.gz) is sent as it lies.
// Below /brick-it/ lies a page of its own ("Try to brick it"), which asks the server for nothing but its files.

import { statSync } from "node:fs";
import { join } from "node:path";
import express, { type RequestHandler, type Response, Router } from "express";
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

/** Of a worker's script; undefined: the path is of something else, which has the policy of everything. */
export const workerPolicy = (path: string): string | undefined =>
  wasmWorkerPath.test(path) ? wasmWorkerPolicy : undefined;

function setCaching(response: Response, path: string): void {
  response.setHeader("Cache-Control", hashedPath.test(path) ? "public, max-age=31536000, immutable" : "no-cache");
}

/** `consoleDir` is absolute. */
export function consoleFiles(consoleDir: string): Router {
  const isFile = (path: string): boolean =>
    plainPath.test(path) && statSync(join(consoleDir, path), { throwIfNoEntry: false })?.isFile() === true;

  /** Addresses of the console's own pages have no dot but a device's; any other is a file, here or not. */
  const pages: RequestHandler = (request, response, next) => {
    const name = request.path.slice(request.path.lastIndexOf("/") + 1);
    if (request.method !== "GET" && request.method !== "HEAD")
      throw new ApiError("not-found", "The interface is below /api.");
    if (request.path === "/brick-it") return response.redirect(301, "/brick-it/");
    if (request.path === "/brick-it/" && isFile("/brick-it/index.html")) request.url = "/brick-it/index.html";
    const policy = workerPolicy(request.path);
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

  return Router().use(pages, compressed, plain, missing);
}
