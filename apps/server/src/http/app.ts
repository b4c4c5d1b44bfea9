// The HTTP interface: the API under /api, and the console.

import { resolve } from "node:path";
import express, { type Express, type RequestHandler, Router } from "express";
import type { Accounts } from "../features/accounts/accounts.ts";
import { requireOwnOrigin, requireUser } from "../features/accounts/authentication.ts";
import { sessionRoutes } from "../features/accounts/routes.ts";
import type { Logger } from "../logging.ts";
import { consoleFiles } from "./console-files.ts";
import { ApiError } from "./errors.ts";
import { problemHandler } from "./problem.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";

const jsonBytesMax = 4 * 1024 * 1024;

/** The console is built without inline scripts or data: assets, so nothing else may run on its pages. */
const securityHeaders: RequestHandler = (_request, response, next) => {
  response.setHeader("Content-Security-Policy", "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("Referrer-Policy", "no-referrer");
  next();
};

/** A body of another type would be skipped, and then said to lack what it holds. */
const jsonBodiesOnly: RequestHandler = (request, _response, next) => {
  const hasBody = request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0;
  if (hasBody && !request.is("application/json")) throw new ApiError("unsupported-media-type", "Send JSON as application/json.");
  next();
};

export function createApp(options: {
  accounts: Accounts;
  /** Routes for whoever knows what they ask for, below /api. */
  openRouters: Router[];
  /** Routes for signed-in users, below /api: those that take files, and those that take JSON. */
  fileRouters: Router[];
  routers: Router[];
  allowedOrigins: readonly string[];
  trustProxy: TrustedProxies;
  /** Absolute, or of the working directory at the start. */
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
  for (const router of options.openRouters) api.use(router);
  api.use(requireOwnOrigin(options.allowedOrigins));
  const json = [jsonBodiesOnly, express.json({ limit: jsonBytesMax, strict: true })];
  api.use("/session", json);
  api.use(sessionRoutes(options.accounts));
  // Before bodies are read: a stranger's are not worth parsing.
  api.use(requireUser(options.accounts, { passwordMayBeOld: false }));
  for (const router of options.fileRouters) api.use(router);
  api.use(json);
  for (const router of options.routers) api.use(router);
  api.use(() => {
    throw new ApiError("not-found", "The interface has no such address; docs/api.md lists those that it has.");
  });
  app.use("/api", api);

  app.use(consoleFiles(resolve(options.consoleDir)));
  app.use(problemHandler(options.log));
  return app;
}
