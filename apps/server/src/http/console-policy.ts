// What a browser is told of the console's pages: what may run there, and who may hold them
// (docs/decisions/0037-what-the-consoles-pages-may-do.md).

import type { RequestHandler } from "express";

/** Under this name alone the console makes the addresses of its workers (apps/web/src/trusted-worker.ts). */
export const workerPolicyName = "flipside-worker";

/**
 * The console is built without inline scripts, inline styles or data: assets, so nothing else may be on its pages; and
 * no text becomes markup or a script's address (W3C Trusted Types), but a worker's by the one policy.
 */
export const consolePolicy: string = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  `trusted-types ${workerPolicyName}`,
].join("; ");

/** Of every answer of the server. Files that need another policy, and the page of the interface, set it anew. */
export const securityHeaders: RequestHandler = (_request, response, next) => {
  response.setHeader("Content-Security-Policy", consolePolicy);
  // No window of another site has a hold of ours, and none of its pages shows or reads what is here.
  response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
  response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("Referrer-Policy", "no-referrer");
  next();
};
