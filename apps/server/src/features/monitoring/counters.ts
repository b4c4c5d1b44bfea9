// What this server has done since it started, counted where it happens.

import { deviceLeaves } from "@flipside/protocol/topics";
import { Counter, Histogram, Registry } from "prom-client";
import type { LinkHandlers } from "../../mqtt/device-link.ts";

/** From what is in memory to a list of a large fleet and an upload. */
const durationBucketsS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

export interface Counters {
  registry: Registry;
  /** Of requests to the API, by its routes; all else is one route, `other`. Streams of events are not among them. */
  requests: Histogram<"method" | "route" | "status">;
  /** The same handlers, counted. */
  counted(handlers: LinkHandlers): LinkHandlers;
}

export function createCounters(): Counters {
  const registry = new Registry();
  const registers = [registry];
  const messages = new Counter({
    name: "flipside_device_messages_total",
    help: "Messages of devices that this server has dealt with, by the last part of their topic.",
    labelNames: ["leaf"],
    registers,
  });
  for (const leaf of deviceLeaves) messages.inc({ leaf }, 0);
  const refusals = new Counter({
    name: "flipside_device_refusals_total",
    help: "Connections and messages of devices that this server has refused.",
    registers,
  });
  const requests = new Histogram({
    name: "flipside_http_request_duration_seconds",
    help: "Requests that this server has answered, from their head to the end of the answer.",
    labelNames: ["method", "route", "status"] as const,
    buckets: durationBucketsS,
    registers,
  });
  return {
    registry,
    requests,
    counted: (handlers) => ({
      authenticate: (...shown) => handlers.authenticate(...shown),
      channelKeys: (userName) => handlers.channelKeys(userName),
      async message(message) {
        const taken = await handlers.message(message);
        if (taken) messages.inc({ leaf: message.leaf });
        return taken;
      },
      closed: (deviceId, connection) => handlers.closed(deviceId, connection),
      refused(deviceId, what) {
        refusals.inc();
        handlers.refused(deviceId, what);
      },
      // What they say is no message of the protocol's, and is not counted among those.
      things: handlers.things,
    }),
  };
}
