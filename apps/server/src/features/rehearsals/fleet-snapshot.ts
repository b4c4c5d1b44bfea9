// What the database knows of a fleet when a rehearsal is asked for: what a model is made from.

import type { WaveRules } from "@flipside/api/types";
import type { DeploymentStateName } from "@flipside/image-format";

/** A deployment of the past that has ended. */
export interface PastDeployment {
  deviceId: string;
  state: DeploymentStateName;
  /** ErrorCode. */
  code: number;
  /** From its last offer to its end; null: it was never offered. */
  tookMs: number | null;
  payloadBytes: number;
  /** Its rollout went on to its end: nobody stopped it, or took it back. */
  isOfWhole: boolean;
}

export interface SampledDevice {
  id: string;
  hardware: string;
  version: string | null;
  /** It runs the image, confirmed. */
  isThere: boolean;
  isOnline: boolean;
  /** Of the wall clock; null: it was never heard of. */
  lastSeenAtMs: number | null;
  /** Of the image that it would get. */
  payloadBytes: number;
}

/** A session was proven, or has ended. */
export interface SessionMark {
  deviceId: string;
  atMs: number;
  isBegin: boolean;
}

export interface FleetSnapshot {
  /** Of the wall clock. */
  atMs: number;
  /** `sample`: in the order of the wave. */
  waves: { total: number; rules: WaveRules; sample: SampledDevice[] }[];
  past: PastDeployment[];
  /** Of the sampled devices, oldest first. */
  sessions: SessionMark[];
  /** Of the sampled devices, in the device log; over how many days of devices. */
  crashes: { count: number; deviceDays: number };
}
