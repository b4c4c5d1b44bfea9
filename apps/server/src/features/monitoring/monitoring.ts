// What a machine that watches over the server asks it: whether it lives, whether it can serve, and how it goes.

import { sql } from "kysely";
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { DeviceSummary } from "@flipside/api/types";
import type { Monitoring, Readiness } from "../../http/probes.ts";
import type { Storage } from "../../storage/storage.ts";
import type { Counters } from "./counters.ts";
import { addFleetGauges } from "./fleet-gauges.ts";

/** A probe waits no longer; Kubernetes gives up after a second unless it is told otherwise, Prometheus after ten. */
const databaseMsMax = 2_000;

interface Options {
  storage: Pick<Storage, "db">;
  counters: Counters;
  summary(): Promise<DeviceSummary>;
  isStopped(): boolean;
  countSessions(): number;
  /** Whether devices can be heard. */
  isLinkUp(): boolean;
  /** Of several servers: whether this one still knows the others. */
  isServing(): boolean;
}

/** Of the process, however many servers are in it. They measure from when they are first asked for. */
let ofProcess: Registry | undefined;
function processMetrics(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  return ofProcess;
}

export function createMonitoring(options: Options): Monitoring {
  const { storage, counters, isLinkUp, isServing } = options;

  async function database(): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(`no answer within ${databaseMsMax} ms`), databaseMsMax);
    });
    const answer = sql`select 1`.execute(storage.db).then(
      () => "ok",
      // What exactly is in the log; who may ask this is anybody.
      () => "it answers with an error",
    );
    return Promise.race([answer, tooLate]).finally(() => clearTimeout(timer));
  }

  async function readiness(): Promise<Readiness> {
    const checks = {
      database: await database(),
      devices: isLinkUp() ? "ok" : "the MQTT broker is out of reach",
      others: isServing() ? "ok" : "it has lost the database that it shares with other servers; they serve",
    };
    return { ready: Object.values(checks).every((check) => check === "ok"), ...checks };
  }

  addFleetGauges(counters.registry, options);
  new Gauge({
    name: "flipside_ready",
    help: "1 while /readyz says that this server can serve.",
    registers: [counters.registry],
    async collect() {
      this.set(Number((await readiness()).ready));
    },
  });
  return { readiness, metrics: () => Registry.merge([processMetrics(), counters.registry]).metrics() };
}
