// What the judge knows, from the server's answers and from what passed the network: what was acknowledged has to hold.

import type { Maintenance, RetryRule, Rollout, WaveRules } from "@flipside/api/types";

export interface Asked {
  /** Of each wave, as it was asked for and changed since. */
  rules: WaveRules[];
  maintenance: Maintenance | null;
  retries: readonly RetryRule[];
  allowOlder: boolean;
}

export interface KnownDeployment {
  id: string;
  rolloutId: string;
  deviceId: string;
  wave: number;
  digest: string;
  attempt: number;
  state: string;
  /** When its first offer of this attempt was sent. */
  firstOfferMs?: number | undefined;
  /** Its device was told to give it up: what it comes to all the same is no matter of its wave. */
  isWithdrawn?: boolean | undefined;
  /** Somebody took it out, and was answered. */
  isExcluded?: boolean | undefined;
}

/** Offers of a rollout, since it has been in this wave. */
export interface RateMeter {
  wave: number;
  offers: { atMs: number; spacingMs: number }[];
}

export interface KnownRollout {
  id: string;
  name: string;
  state: Rollout["state"];
  asked: Asked;
  /** Its devices are not chosen yet, or were dropped before: its waves and their rules are not known. */
  isUnformed: boolean;
  /** Somebody has asked for other rules, and was not answered. */
  isUnsureOfRules: boolean;
  /** Waves whose rules were changed. */
  changedWaves: Set<number>;
  /** The highest cap that each wave has had; null: none. */
  capEver: (number | null)[];
  currentWave: number;
  /** When it was last seen in each wave, and at all. */
  seenInWaveMs: number[];
  seenMs: number;
  /** The latest that the clock on the wall has shown since then. */
  wallHighMs: number;
  decisions: string[];
  /** What an operator accepted by going on, of each wave. */
  accepted: { counted: number; failed: number }[];
  /** It is paused for certain, until somebody asks it to go on. */
  isHeld: boolean;
  /** Somebody has asked it to go on, or to try again; whether it does is still to be seen. */
  isAcceptanceAsked: boolean;
  /** Words that were said to it since it was last seen. */
  words: Set<string>;
  /** Waves that somebody else than who made it was heard to approve, or may have been. */
  approved: Set<number>;
  /** Waves that somebody asked to start, whatever the ones before have come to. */
  startedByHand: Set<number>;
  /** How often somebody asked for another try of any of its devices. */
  retriesAsked: number;
  meter: RateMeter | undefined;
  /** Its roll-back: of one wave, or of all; and when it was last seen without. */
  rollBack: { wave: number | undefined; notBeforeMs: number } | undefined;
  /** Name of the rollout that it takes back. */
  takesBack: string | undefined;
}

export interface Installation {
  deployment: string;
  from: string;
  to: string;
  /** When the server was first told that it runs. */
  toldMs?: number;
}

export interface Knowledge {
  rollouts: Map<string, KnownRollout>;
  deployments: Map<string, KnownDeployment>;
  revoked: Set<string>;
  /** Of each device, the deployment that it was offered for the first time last. */
  newestOffered: Map<string, string>;
  /** Deployments and attempts whose image was installed. */
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

/** A try of a deployment. */
export const tryOf = (id: string, attempt: number): string => `${id} attempt ${attempt}`;

export const isOver = (state: string): boolean =>
  ["confirmed", "failed", "rolled-back", "cancelled", "timed-out", "rejected"].includes(state);
export const isWaiting = (state: string): boolean => state === "queued" || state === "unreached";
export const isUnderWay = (state: string): boolean => !isOver(state) && !isWaiting(state);
/** Before the point of no return. */
export const isAbandonable = (state: string): boolean =>
  isWaiting(state) || ["offered", "downloading", "verifying"].includes(state);
/** Finished, and a failure (docs/operations.md, "Rollouts"). */
export const hasFailed = (state: string): boolean => isOver(state) && state !== "confirmed" && state !== "cancelled";
/** Finished, and something was learned from it. */
export const isCounted = (state: string): boolean => isOver(state) && state !== "cancelled";
