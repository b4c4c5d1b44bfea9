// The console's files. Names below /assets/ carry a hash of their content, so they are kept for a year; index.html
// names them and is asked for anew each time. What vite's build has compressed (name.br, name.gz) is sent as it lies.

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
const hashedPath = /^\/assets\/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+(?:\.br|\.gz)?$/;

function setCaching(response: Response, path: string): void {
  response.setHeader("Cache-Control", hashedPath.test(path) ? "public, max-age=31536000, immutable" : "no-cache");
}

/** `consoleDir` is absolute. */
export function consoleFiles(consoleDir: string): Router {
  const isFile = (path: string): boolean =>
    plainPath.test(path) && statSync(join(consoleDir, path), { throwIfNoEntry: false })?.isFile() === true;

  /** Addresses of the console's own pages have no dot but a device's; any other is a file, here or not. */
  const pages: RequestHandler = (request, _response, next) => {
    const name = request.path.slice(request.path.lastIndexOf("/") + 1);
    if (request.method !== "GET" && request.method !== "HEAD")
      throw new ApiError("not-found", "The interface is below /api.");
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
        ? "The console is not built. Run: npx vite build apps/web"
        : "There is no such file. If the console was updated, load the page again.",
    );
  };

  return Router().use(pages, compressed, plain, missing);
}
