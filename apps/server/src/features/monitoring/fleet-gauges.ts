// The fleet as it is at the moment of asking. Each of several servers says the same: rules take the greatest of them.

import { Gauge, type Registry } from "prom-client";
import type { DeviceSummary, RolloutState } from "@flipside/api/types";
import { deploymentStateNames } from "@flipside/image-format/state-names";
import type { Storage } from "../../storage/storage.ts";

/** What is 0 is said, too: a rule about a figure that is not there would say nothing. */
const openStates: readonly RolloutState[] = ["running", "paused"];

interface Sources {
  storage: Pick<Storage, "db">;
  summary(): Promise<DeviceSummary>;
  isStopped(): boolean;
  /** Sessions of devices at this server. */
  countSessions(): number;
}

/** Adds up what is kept anyway; nothing is counted by looking at devices. */
export function addFleetGauges(registry: Registry, { storage, summary: ask, isStopped, countSessions }: Sources): void {
  // All gauges are asked at once.
  let asked: Promise<DeviceSummary> | undefined;
  const summary = (): Promise<DeviceSummary> => (asked ??= ask().finally(() => (asked = undefined)));
  const gauge = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    collect: (self: Gauge<L>) => void | Promise<void>,
  ): void =>
    void new Gauge<L>({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        return collect(this as Gauge<L>);
      },
    });

  gauge(
    "flipside_devices",
    "Devices that are not revoked, by what they say of their health.",
    ["health"],
    async (self) => {
      const { health } = await summary();
      for (const [name, count] of Object.entries(health)) self.set({ health: name as "healthy" }, count);
    },
  );
  gauge("flipside_devices_online", "Devices that were heard of lately, here or at another server.", [], async (self) =>
    self.set((await summary()).online),
  );
  gauge("flipside_devices_revoked", "Devices that are revoked.", [], async (self) =>
    self.set((await summary()).revoked),
  );
  gauge("flipside_devices_running", "Devices by the version that they run.", ["version"], async (self) => {
    self.reset();
    const { versions, otherVersions } = await summary();
    for (const { version, count } of versions) self.set({ version: version ?? "unknown" }, count);
    if (otherVersions > 0) self.set({ version: "other" }, otherVersions);
  });
  gauge("flipside_rollouts_open", "Rollouts that are not over, by state.", ["state"], async (self) => {
    for (const state of openStates) self.set({ state }, 0);
    const rows = await storage.db
      .selectFrom("rollouts")
      .select((q) => ["state", q.fn.countAll<number>().as("count")])
      .where("finishedAt", "is", null)
      .groupBy("state")
      .execute();
    for (const { state, count } of rows) self.set({ state }, Number(count));
  });
  gauge(
    "flipside_deployments_open",
    "Deployments of rollouts that are not over, by state.",
    ["state"],
    async (self) => {
      for (const state of deploymentStateNames) self.set({ state }, 0);
      const rows = await storage.db
        .selectFrom("deploymentCounts")
        .innerJoin("rollouts", "rollouts.id", "deploymentCounts.rolloutId")
        .select((q) => ["deploymentCounts.state", q.fn.sum<number>("deploymentCounts.count").as("count")])
        .where("rollouts.finishedAt", "is", null)
        .groupBy("deploymentCounts.state")
        .execute();
      for (const { state, count } of rows) self.set({ state }, Number(count));
    },
  );
  gauge("flipside_emergency_stop", "1 while nothing is offered to any device.", [], (self) =>
    self.set(Number(isStopped())),
  );
  gauge("flipside_sessions", "Devices whose session is at this server.", [], (self) => self.set(countSessions()));
}
