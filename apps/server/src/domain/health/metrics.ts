// What the health gate watches: when a device has failed, and on which side it stands then. Pure.

import type { HealthMetric } from "@flipside/api/types";
import type { DeploymentStateName } from "@flipside/image-format";
import { isWaiting } from "../deployment-transitions.ts";
import { durationText } from "../duration-text.ts";

/** `neither`: it is in between, or out of the rollout. */
export type HealthSide = "updated" | "others" | "neither";

type OfKind<Kind extends HealthMetric["kind"]> = Extract<HealthMetric, { kind: Kind }>;
export type Reported = OfKind<"reported">;
export type Reconnects = OfKind<"reconnects">;

/** Names it within its rollout. */
export const metricKey = (metric: HealthMetric): string =>
  metric.kind === "reported" ? `${metric.worse} ${metric.name}` : metric.kind;

/** What a device has done that has failed. */
export function failureText(metric: HealthMetric): string {
  switch (metric.kind) {
    case "crashes":
      return "crashed";
    case "reconnects":
      return `reconnected ${metric.atLeast} times within ${durationText(metric.withinMs)}`;
    case "reported":
      return `reported ${metric.name} ${metric.worse === "higher" ? "above" : "below"} ${metric.limit}`;
  }
}

/**
 * Where a device's deployment puts it. One that had the image before the rollout came is no updated device: chance has
 * not chosen it.
 */
export function sideOf({ state, offeredAt }: { state: DeploymentStateName; offeredAt: number | null }): HealthSide {
  if (isWaiting(state)) return "others";
  return state === "confirmed" && offeredAt !== null ? "updated" : "neither";
}

export const isBeyond = ({ worse, limit }: Reported, value: number): boolean =>
  limit !== undefined && (worse === "higher" ? value > limit : value < limit);

/** Of how many devices a limit can be learned, and which share of them may be beyond it. */
export const limitSampleMin = 20;
const shareBeyond = 0.05;

/** The limit that this share of the values is beyond, or less where many are equal; undefined: there are too few. */
export function limitOf(worse: Reported["worse"], values: readonly number[]): number | undefined {
  if (values.length < limitSampleMin) return undefined;
  const fromWorst = [...values].sort((one, other) => (worse === "higher" ? other - one : one - other));
  return fromWorst[Math.floor(values.length * shareBeyond)];
}

/** So many new sessions of `beganAt`, ascending, after the first one, lie within the time before the last. */
export function hasReconnected({ atLeast, withinMs }: Reconnects, beganAt: readonly number[]): boolean {
  const last = beganAt.at(-1);
  const first = beganAt.at(-1 - atLeast);
  return last !== undefined && first !== undefined && last - first <= withinMs;
}

/** Whether a check-in says that the device has begun a new run because the one before crashed. */
export const isUncleanBoot = (
  known: { bootCounter: number | null },
  said: { boot: number; bootReason: string },
): boolean =>
  known.bootCounter !== null &&
  said.boot > known.bootCounter &&
  (said.bootReason === "trap" || said.bootReason === "watchdog");
