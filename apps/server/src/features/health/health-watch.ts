// What devices show of their health while rollouts watch it: when one has failed, in each rollout that it is in. Kept
// here and looked at in batches, one transaction for a rollout and not one for an event. A server that is killed
// forgets what came since the last look, on both sides alike.

import type { HealthMetric } from "@flipside/api/types";
import type { Clock } from "../../clock.ts";
import { hasReconnected, isBeyond, isUncleanBoot, metricKey, sideOf } from "../../domain/health/metrics.ts";
import type { HealthTestSnapshot } from "../../domain/snapshots.ts";
import type { Logger } from "../../logging.ts";
import type { Storage, Work } from "../../storage/storage.ts";
import type { EngineRoom } from "../deployments/engine-room.ts";
import { addFailures, countAtRisk, type Failure, healthOf, loadHealth, takeLook } from "../deployments/health-looks.ts";
import type { Memory } from "../deployments/memory.ts";
import type { KnownDeployment } from "../deployments/store.ts";
import type { Presence } from "../device-records/presence.ts";

const lookEveryMs = 10_000;
/** A look counts the rollout's devices; it has a fiftieth of the time at most. */
const restPerWork = 49;
/** As many as a metric may ask for, and the one before them. */
const sessionsKept = 51;
const devicesMax = 50_000;
const storedMax = 100_000;

export interface HealthWatch {
  /** Before anything of the check-in is taken: what it says is compared with what was known. */
  checkedIn(deviceId: string, checkIn: { boot: number; bootReason: string }): Promise<void>;
  crashed(deviceId: string): Promise<void>;
  sessionBegan(deviceId: string): Promise<void>;
  reported(deviceId: string, metric: string, value: number): Promise<void>;
  /** Looks at what has failed since the last look. */
  look(): Promise<void>;
  stop(): Promise<void>;
}

type AtRisk = HealthTestSnapshot["atRisk"];

interface Options {
  storage: Storage;
  memory: Pick<Memory, "device" | "deployments" | "rollout">;
  engineRoom: EngineRoom;
  presence: Pick<Presence, "isHeard">;
  log: Logger;
  clock: Pick<Clock, "wallMs" | "steadyMs">;
}

/** Failures that no look has been taken at, by rollout; of each device and metric the first one. */
class Waiting {
  readonly #byRollout = new Map<string, Map<string, Failure>>();
  /** Stored before: a device in a loop is no news. */
  readonly #stored = new Set<string>();

  add(rolloutId: string, failure: Failure): void {
    const key = `${failure.deviceId} ${failure.metric}`;
    if (this.#stored.has(`${rolloutId} ${key}`)) return;
    const ofRollout = this.#byRollout.get(rolloutId) ?? new Map<string, Failure>();
    this.#byRollout.set(rolloutId, ofRollout);
    if (!ofRollout.has(key)) ofRollout.set(key, failure);
  }

  take(isDue: (rolloutId: string) => boolean): [rolloutId: string, failures: Failure[]][] {
    const due = [...this.#byRollout].filter(([rolloutId]) => isDue(rolloutId));
    for (const [rolloutId] of due) this.#byRollout.delete(rolloutId);
    return due.map(([rolloutId, failures]) => [rolloutId, [...failures.values()]]);
  }

  stored(rolloutId: string, failures: readonly Failure[]): void {
    if (this.#stored.size + failures.length > storedMax) this.#stored.clear();
    for (const { deviceId, metric } of failures) this.#stored.add(`${rolloutId} ${deviceId} ${metric}`);
  }
}

/** When devices' last sessions began, oldest first; of those that some rollout asks for. */
class SessionTimes {
  readonly #beganAt = new Map<string, number[]>();

  add(deviceId: string, at: number): void {
    const before = this.#beganAt.get(deviceId) ?? [];
    this.#beganAt.delete(deviceId);
    if (this.#beganAt.size >= devicesMax) this.#beganAt.delete(this.#beganAt.keys().next().value!);
    this.#beganAt.set(deviceId, [...before, at].slice(-sessionsKept));
  }

  /** A device reconnects to be updated, too: that was before. */
  since(deviceId: string, at: number): number[] {
    return (this.#beganAt.get(deviceId) ?? []).filter((each) => each > at);
  }
}

export function createHealthWatch(options: Options): HealthWatch {
  const { storage, memory, engineRoom, log } = options;
  const { wallMs, steadyMs } = options.clock;
  const waiting = new Waiting();
  const sessions = new SessionTimes();
  /** By rollout. */
  const notBefore = new Map<string, number>();

  /** Notes it for each rollout that watches the device, by the metrics that say that it has failed. */
  async function note(
    deviceId: string,
    hasFailed: (metric: HealthMetric, deployment: KnownDeployment) => boolean,
  ): Promise<void> {
    for (const deployment of await memory.deployments(deviceId)) {
      const rollout = await memory.rollout(deployment.rolloutId);
      if (rollout.state !== "running" && rollout.state !== "paused") continue;
      for (const metric of healthOf(rollout)?.metrics ?? [])
        if (hasFailed(metric, deployment)) {
          const failure = { deviceId, metric: metricKey(metric), side: sideOf(deployment), at: wallMs() };
          waiting.add(rollout.id, failure);
        }
    }
  }

  /** Of each metric that somebody has failed by. */
  async function countEach(rolloutId: string, failures: readonly Failure[]): Promise<Map<string, AtRisk>> {
    const counted = new Map<string, AtRisk>();
    for (const metric of healthOf(await memory.rollout(rolloutId))?.metrics ?? []) {
      const key = metricKey(metric);
      if (failures.some((failure) => failure.metric === key))
        counted.set(key, await countAtRisk(storage.db, rolloutId, metric, options.presence.isHeard));
    }
    return counted;
  }

  async function takeLooks(
    work: Work,
    rolloutId: string,
    failures: readonly Failure[],
    counted: ReadonlyMap<string, AtRisk>,
  ): Promise<boolean> {
    const { db } = work;
    const row = await db.selectFrom("rollouts").select(["id", "health"]).where("id", "=", rolloutId).executeTakeFirst();
    const health = row === undefined ? null : await loadHealth(db, row);
    const added = await addFailures(db, rolloutId, failures);
    for (const test of health?.tests ?? []) {
      const atRisk = counted.get(metricKey(test.metric));
      const ofMetric = added.filter(({ metric }) => metric === metricKey(test.metric));
      if (atRisk !== undefined && ofMetric.length > 0)
        await takeLook(db, rolloutId, test, ofMetric, { atRisk, at: wallMs() });
    }
    work.afterCommit(() => waiting.stored(rolloutId, failures));
    return added.length > 0;
  }

  async function lookAt(rolloutId: string, failures: readonly Failure[]): Promise<void> {
    const begun = steadyMs();
    try {
      const counted = await countEach(rolloutId, failures);
      await storage.transaction((work) =>
        engineRoom.apply(work, rolloutId, async () =>
          (await takeLooks(work, rolloutId, failures, counted)) ? { type: "health-looked-at" } : undefined,
        ),
      );
    } catch (error) {
      log.error({ err: error as Error, rollout: rolloutId }, "devices' failures could not be looked at");
      for (const failure of failures) waiting.add(rolloutId, failure);
    }
    notBefore.set(rolloutId, steadyMs() + (steadyMs() - begun) * restPerWork);
  }

  async function look(isDue: (rolloutId: string) => boolean): Promise<void> {
    for (const [rolloutId, failures] of waiting.take(isDue)) await lookAt(rolloutId, failures);
  }

  let looking: Promise<void> = Promise.resolve();
  const lookInTurn = (isDue: (rolloutId: string) => boolean): Promise<void> =>
    (looking = looking.then(() => look(isDue)));
  const lookAtAll = (): Promise<void> => lookInTurn(() => true);
  const isRested = (rolloutId: string): boolean => (notBefore.get(rolloutId) ?? 0) <= steadyMs();
  const timer = setInterval(() => void lookInTurn(isRested), lookEveryMs);
  timer.unref();

  return {
    async checkedIn(deviceId, checkIn) {
      const known = await memory.device(deviceId);
      if (known !== null && isUncleanBoot(known, checkIn)) await note(deviceId, ({ kind }) => kind === "crashes");
    },
    crashed: (deviceId) => note(deviceId, ({ kind }) => kind === "crashes"),
    async sessionBegan(deviceId) {
      let isKept = false;
      await note(deviceId, (metric, { finishedAt }) => {
        if (metric.kind !== "reconnects") return false;
        if (!isKept) sessions.add(deviceId, wallMs());
        isKept = true;
        return hasReconnected(metric, sessions.since(deviceId, finishedAt ?? 0));
      });
    },
    reported: (deviceId, name, value) =>
      note(deviceId, (metric) => metric.kind === "reported" && metric.name === name && isBeyond(metric, value)),
    look: lookAtAll,
    async stop() {
      clearInterval(timer);
      await lookAtAll();
    },
  };
}
