// What the judge knows, from the server's answers and from what passed the network: what was acknowledged has to hold.

import type { Rollout } from "@flipside/api/types";

export interface Asked {
  deadlineMs: number;
  failureThresholdPercent: number;
  minimumSample: number;
  soakMs: number;
  underWayMax: number | null;
  allowOlder: boolean;
}

export interface KnownDeployment {
  id: string;
  rolloutId: string;
  deviceId: string;
  wave: number;
  digest: string;
  state: string;
  /** When its first offer was sent. */
  firstOfferMs?: number;
  /** Its device was told to give it up: what it comes to all the same is no matter of its wave. */
  isWithdrawn?: boolean;
}

export interface KnownRollout {
  id: string;
  state: Rollout["state"];
  asked: Asked;
  currentWave: number;
  /** When it was last seen in each wave. */
  seenInWaveMs: number[];
  decisions: string[];
  /** What an operator accepted by resuming, of each wave. */
  accepted: { counted: number; failed: number }[];
  /** It is paused for certain, until somebody asks it to go on. */
  isHeld: boolean;
  /** Somebody has asked it to go on; whether it does is still to be seen. */
  isResumeAsked: boolean;
}

export interface Knowledge {
  rollouts: Map<string, KnownRollout>;
  deployments: Map<string, KnownDeployment>;
  revoked: Set<string>;
  /** Of each device, the deployment that it was offered for the first time last. */
  newestOffered: Map<string, string>;
  /** Deployments whose image was installed. */
  installations: Set<string>;
  /** The stop of all updates; "unsure": somebody has asked for a change, and was not answered. */
  stop: "none" | "in force" | "unsure";
}

export const nothingKnown = (): Knowledge => ({
  rollouts: new Map(),
  deployments: new Map(),
  revoked: new Set(),
  newestOffered: new Map(),
  installations: new Set(),
  stop: "none",
});

export const isOver = (state: string): boolean =>
  ["confirmed", "failed", "rolled-back", "cancelled", "timed-out", "rejected"].includes(state);
export const isWaiting = (state: string): boolean => state === "queued" || state === "unreached";
export const isUnderWay = (state: string): boolean => !isOver(state) && !isWaiting(state);
/** Finished, and a failure (docs/operations.md, "Rollouts"). */
export const hasFailed = (state: string): boolean => isOver(state) && state !== "confirmed" && state !== "cancelled";
/** Finished, and something was learned from it. */
export const isCounted = (state: string): boolean => isOver(state) && state !== "cancelled";
