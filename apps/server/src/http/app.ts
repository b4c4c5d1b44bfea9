// The HTTP interface: the API under /api, and the console.

import { existsSync } from "node:fs";
import { join } from "node:path";
import express, { type Express, type RequestHandler, Router } from "express";
import type { Accounts } from "../features/accounts/accounts.ts";
import { requireOwnOrigin, requireUser } from "../features/accounts/authentication.ts";
import { sessionRoutes } from "../features/accounts/routes.ts";
import type { Logger } from "../logging.ts";
import { ApiError } from "./errors.ts";
import { problemHandler } from "./problem.ts";

const jsonBytesMax = 4 * 1024 * 1024;

/** The console is built without inline scripts or data: assets, so nothing else may run on its pages. */
const securityHeaders: RequestHandler = (_request, response, next) => {
  response.setHeader("Content-Security-Policy", "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("Referrer-Policy", "no-referrer");
  next();
};

export function createApp(options: {
  accounts: Accounts;
  /** Routes for signed-in users, below /api. */
  routers: Router[];
  allowedOrigins: readonly string[];
  trustProxy: boolean;
  consoleDir: string;
  log: Logger;
}): Express {
  const app = express();
  app.disable("x-powered-by");
  app.set("trust proxy", options.trustProxy);
  app.set("query parser", "simple");
  app.use(securityHeaders);

  const api = Router();
  api.use((_request, response, next) => {
    response.setHeader("Cache-Control", "no-store");
    next();
  });
  api.get("/health", (_request, response) => {
    response.json({ status: "ok" });
  });
  api.use(requireOwnOrigin(options.allowedOrigins));
  const json = express.json({ limit: jsonBytesMax, strict: true });
  api.use("/session", json);
  api.use(sessionRoutes(options.accounts));
  // Before bodies are read: a stranger's are not worth parsing.
  api.use(requireUser(options.accounts, { passwordMayBeOld: false }));
  api.use(json);
  for (const router of options.routers) api.use(router);
  api.use(() => {
    throw new ApiError("not-found", "The interface has no such address; docs/api.md lists those that it has.");
  });
  app.use("/api", api);

  const page = join(options.consoleDir, "index.html");
  app.use(express.static(options.consoleDir, { index: "index.html", maxAge: 0 }));
  app.use((request, response, next) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      next(new ApiError("not-found", "The interface is below /api."));
    } else if (existsSync(page)) {
      // Addresses of the console's own pages.
      response.sendFile(page);
    } else {
      response.status(404).type("text/plain").send("The console is not built. Run: npx vite build apps/web\n");
    }
  });
  app.use(problemHandler(options.log));
  return app;
}
