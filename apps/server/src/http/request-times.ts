// How long answers take, told by route: an address as it was asked would be a figure of its own for each device.

import type { RequestHandler } from "express";

const millisecondsPerSecond = 1_000;

export interface RequestDurations {
  observe(labels: { method: string; route: string; status: string }, seconds: number): void;
}

export const timeRequests =
  (durations: RequestDurations): RequestHandler =>
  (request, response, next) => {
    const fromMs = performance.now();
    response.once("finish", () => {
      // A stream lasts as long as somebody listens, which says nothing.
      if (String(response.getHeader("content-type")).startsWith("text/event-stream")) return;
      const matched = (request.route as { path?: unknown } | undefined)?.path;
      const route = typeof matched === "string" ? matched : "other";
      const method = route === "other" ? "other" : request.method;
      const seconds = (performance.now() - fromMs) / millisecondsPerSecond;
      durations.observe({ method, route, status: String(response.statusCode) }, seconds);
    });
    next();
  };
