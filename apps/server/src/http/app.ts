// The HTTP interface: the API under /api, made from the route objects of the package api, and the console.

import { resolve } from "node:path";
import express, { type Express, type RequestHandler, Router } from "express";
import { routes } from "@flipside/api/routes";
import { apiPrefix, isOpen, type Route } from "@flipside/api/route";
import type { Logger } from "../logging.ts";
import { apiPage } from "./api-page.ts";
import type { BoundRoute } from "./bind.ts";
import { readersOf } from "./body-readers.ts";
import { consoleFiles } from "./console-files.ts";
import { securityHeaders } from "./console-policy.ts";
import { Conditions, type EtagOf } from "./conditions.ts";
import { ApiError } from "./errors.ts";
import { type GuardOptions, guardsFor } from "./guards.ts";
import { problemHandler } from "./problem.ts";
import { type ProbeOptions, probePaths, probes } from "./probes.ts";
import { requestAllowance } from "./request-allowance.ts";
import { identifyRequests } from "./request-id.ts";
import { type RequestDurations, timeRequests } from "./request-times.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";

const noStore: RequestHandler = (_request, response, next) => {
  response.setHeader("Cache-Control", "no-store");
  next();
};

const notFound: RequestHandler = () => {
  throw new ApiError("not-found", "The interface has no such address; docs/api.md lists those that it has.");
};

/** Below /api/ of another version, or of none. */
const elsewhere: RequestHandler = () => {
  throw new ApiError("not-found", `This server's interface is below ${apiPrefix}; docs/api.md lists its addresses.`);
};

const names = new Map((Object.entries(routes) as [string, Route][]).map(([name, route]) => [route, name]));

/** As the document of the interface calls it. */
const nameOf = (route: Route): string => names.get(route)!;

/** A route without a handler, or with two, is a mistake in the wiring; said at the start, not when somebody asks. */
function checkComplete(bound: readonly BoundRoute[]): void {
  for (const [name, route] of Object.entries(routes) as [string, Route][]) {
    const handlers = bound.filter((each) => each.route === route).length;
    if (handlers !== 1) throw new Error(`route ${name} has ${handlers} handlers`);
  }
}

export interface AppOptions extends GuardOptions, ProbeOptions {
  /** What keeps a record of requests of this route, which the document calls so. */
  auditing: (name: string, route: Route) => RequestHandler[];
  /** What holds back requests that somebody else has to confirm. */
  holding: (name: string, route: Route) => RequestHandler[];
  /** What keeps who sees a part of the fleet from the rest. */
  withinScope: (route: Route) => RequestHandler[];
  /** What does what comes with a key once. */
  once: (name: string, route: Route) => RequestHandler[];
  /** How many requests anybody may make in a minute. */
  requestsPerMinute: number;
  durations: RequestDurations;
  /** One for each route. */
  bound: readonly BoundRoute[];
  trustProxy: TrustedProxies;
  /** That are not below /api/v1, for devices that speak to other servers, too. */
  otherInterfaces?: readonly RequestHandler[];
  /** Absolute, or of the working directory at the start. */
  consoleDir: string;
  /** Where devices connect over WebSocket; null: nowhere. */
  mqttWebSocketPort: () => number | null;
  log: Logger;
}

export function createApp(options: AppOptions): Express {
  checkComplete(options.bound);
  const app = express();
  app.disable("x-powered-by");
  app.set("trust proxy", options.trustProxy);
  app.set("query parser", "simple");
  // One that If-Match can name (RFC 9110, 13.1.1).
  app.set("etag", "strong");
  app.use(identifyRequests);
  app.use(securityHeaders);
  app.use(timeRequests(options.durations));

  const guardsOf = guardsFor(options);
  const allowance = requestAllowance(options.requestsPerMinute);
  const conditions = new Conditions(options.bound, app.get("etag fn") as EtagOf);
  const api = Router();
  for (const { route, beforeBody, run } of options.bound) {
    const method = route.method.toLowerCase() as "get" | "post" | "put" | "patch" | "delete";
    const chain = [
      ...options.auditing(nameOf(route), route),
      ...options.holding(nameOf(route), route),
      ...guardsOf(route.access),
      ...(isOpen(route.access) ? [] : [allowance]),
      ...options.withinScope(route),
      ...options.once(nameOf(route), route),
      ...beforeBody,
      ...readersOf(route),
    ];
    api[method](route.path, ...chain, conditions.inTurn(route, run));
  }
  app.use(["/api", ...probePaths], noStore);
  app.use(probes(options));
  app.use(api);
  // What there is not is nobody's business who is not signed in.
  app.use(apiPrefix, ...guardsOf("signed-in"), notFound);

  for (const other of options.otherInterfaces ?? []) app.use(other);
  app.use("/api", elsewhere);
  app.use(apiPage());
  app.use(consoleFiles(resolve(options.consoleDir), options.mqttWebSocketPort));
  app.use(problemHandler(options.log));
  return app;
}
