// /healthz, /readyz and /metrics: outside of the interface, where those look that watch over servers.

import { type Request, Router } from "express";
import { isLoopback } from "@flipside/processes/reach";
import { equalInConstantTime } from "../equal-in-constant-time.ts";

/** Each `ok`, or what is wrong. */
export interface Readiness {
  ready: boolean;
  database: string;
  devices: string;
  others: string;
}

export interface Monitoring {
  readiness(): Promise<Readiness>;
  /** In the text format of Prometheus 0.0.4. */
  metrics(): Promise<string>;
}

/** The text format that every version of Prometheus reads. */
const prometheusText = "text/plain; version=0.0.4; charset=utf-8";

/** As a socket of both families says an IPv4 address (RFC 4291, 2.5.5.2). */
const mappedIPv4 = /^::ffff:/;

/** What came through a proxy may come from anywhere. */
const isFromThisMachine = ({ socket, headers }: Request): boolean =>
  isLoopback((socket.remoteAddress ?? "").replace(mappedIPv4, "")) &&
  headers["x-forwarded-for"] === undefined &&
  headers["forwarded"] === undefined;

function mayRead(request: Request, token: string | undefined): boolean {
  if (token === undefined) return isFromThisMachine(request);
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
  return equalInConstantTime(Buffer.from(given), Buffer.from(token));
}

export interface ProbeOptions {
  monitoring: Monitoring;
  /** Who has it may read the metrics; undefined: whoever asks from this machine. */
  metricsToken: string | undefined;
}

export const probePaths = ["/healthz", "/readyz", "/metrics"];

export function probes({ monitoring, metricsToken }: ProbeOptions): Router {
  const router = Router();
  // That it is answered says that the event loop turns.
  router.get("/healthz", (_request, response) => void response.type("text/plain").send("ok\n"));
  router.get("/readyz", async (_request, response) => {
    const readiness = await monitoring.readiness();
    response.status(readiness.ready ? 200 : 503).json(readiness);
  });
  router.get("/metrics", async (request, response) => {
    if (mayRead(request, metricsToken)) return void response.type(prometheusText).send(await monitoring.metrics());
    const why =
      metricsToken === undefined
        ? "Metrics are for this machine alone. To read them from elsewhere, start the server with --metrics-token."
        : "Send the token of --metrics-token as Authorization: Bearer.";
    if (metricsToken !== undefined) response.setHeader("WWW-Authenticate", "Bearer");
    response
      .status(metricsToken === undefined ? 403 : 401)
      .type("text/plain")
      .send(`${why}\n`);
  });
  return router;
}
