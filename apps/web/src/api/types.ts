// The resources of the REST interface, as the server spells them. Times are ISO 8601 in UTC, ids are strings.

import type { BootReasonName, DeploymentStateName, SlotStateName } from "../format.ts";

export interface User {
  userName: string;
  role: string;
  mustChangePassword: boolean;
}

export type SlotName = "a" | "b";
export type Health = "unknown" | "healthy" | "unhealthy";

export interface RunningSlot {
  slot: SlotName;
  digest: string;
  version: string;
  releaseSequence: number;
  state: SlotStateName;
}

export interface OtherSlot {
  slot: SlotName;
  digest: string | null;
  version: string | null;
  state: SlotStateName;
  /** Error code of a failed slot, 0 otherwise. */
  reason: number;
  reasonName: string | null;
}

export interface Deployment {
  id: string;
  rolloutId: string;
  rolloutName: string;
  version: string;
  deviceId: string;
  digest: string;
  /** Index of the wave, from 0. */
  wave: number;
  attempt: number;
  state: DeploymentStateName;
  code: number;
  codeName: string | null;
  /** Chunks that the device has programmed, of `total`. */
  done: number;
  total: number;
  createdAt: string;
  updatedAt: string;
  finishedAt: string | null;
}

export type TrustRelation = "same" | "older" | "ahead" | "forked" | "unknown";
export type EntropyState = "good" | "failed-health" | "absent";

export interface Device {
  id: string;
  product: string | null;
  hardware: string | null;
  revision: number | null;
  enrolledAt: string | null;
  lastSeenAt: string | null;
  online: boolean;
  revoked: boolean;
  running: RunningSlot | null;
  other: OtherSlot | null;
  health: Health;
  bootCounter: number | null;
  bootReason: BootReasonName | null;
  loaderVersion: number | null;
  trustVersion: number | null;
  /** How its record stands to the server's newest. */
  trustRelation: TrustRelation;
  /** What its noise source is worth; null before the first check-in, and from older agents. */
  entropy: EntropyState | null;
  /** The last trust record that the device refused since it was started. */
  trustRefused: { version: number; code: number; codeName: string } | null;
  securityFloor: number | null;
  /** The server that it connects to, by its own word. */
  connection: { host: string; port: number } | null;
  metric: { name: string; value: number } | null;
  activeDeployment: Deployment | null;
}

export interface DeviceLogEntry {
  at: string;
  kind: string;
  detail: string;
}

export interface DeviceDetail extends Device {
  /** Newest first. */
  deployments: Deployment[];
  log: DeviceLogEntry[];
}

export type NewCommand = { kind: "reboot" } | { kind: "set-connection"; host: string; port: number };
export type CommandState = "waiting" | "sent" | "accepted" | "done" | "refused" | "failed" | "expired";

export interface Command {
  id: string;
  deviceId: string;
  kind: NewCommand["kind"];
  host: string | null;
  port: number | null;
  state: CommandState;
  code: number;
  codeName: string | null;
  createdAt: string;
  createdBy: string;
  expiresAt: string;
  sentAt: string | null;
  finishedAt: string | null;
}

export interface ReleaseImage {
  digest: string;
  hardware: string;
  revisionMin: number;
  revisionMax: number;
  sizeBytes: number;
  payloadBytes: number;
  securityCounter: number;
  keyId: string;
  /** Whether the server has its file on the disk, as it was verified. */
  file: "present" | "missing" | "damaged";
}

export interface Release {
  id: string;
  product: string;
  version: string;
  releaseSequence: number;
  description: string | null;
  uploadedAt: string;
  uploadedBy: string;
  /** The newest trust record names none of its signers any more. */
  revoked: boolean;
  images: ReleaseImage[];
}

export interface TrustKey {
  /** First 8 bytes of SHA-256 of the key, in hex. */
  id: string;
  purpose: "root" | "release" | "operations";
  publicKey: string;
  /** The record that named it first, and the one that left it out. */
  since: number;
  revokedBy: number | null;
}

export interface Trust {
  version: number;
  chainBytes: number;
  keys: TrustKey[];
  /** Oldest first. */
  links: { version: number; rootThreshold: number; rootKeys: string[]; releaseKeys: string[]; operationsKeys: string[] }[];
}

export type RolloutState = "running" | "paused" | "completed" | "cancelled";
export type WaveState = "waiting" | "running" | "done";
export type StateCounts = Record<DeploymentStateName, number>;

export interface WaveProgress {
  index: number;
  total: number;
  finished: number;
  succeeded: number;
  /** Finished, and counted neither way. */
  cancelled: number;
  state: WaveState;
}

export interface RolloutSummary {
  id: string;
  name: string;
  releaseId: string;
  version: string;
  state: RolloutState;
  pauseReason: string | null;
  createdAt: string;
  createdBy: string;
  finishedAt: string | null;
  counts: StateCounts;
  total: number;
  waves: WaveProgress[];
}

export interface Decision {
  at: string;
  text: string;
}

export interface Rollout extends RolloutSummary {
  deployments: Deployment[];
  decisions: Decision[];
}

/** Size of one wave: a part of all devices, or a number of them. Whatever the waves leave over is a last wave. */
export type WaveSpec = { percent: number } | { count: number };

export interface NewRollout {
  name: string;
  releaseId: string;
  target: { deviceIds: string[] } | { all: true };
  waves: WaveSpec[];
  deadlineMs?: number;
  failureThresholdPercent?: number;
  allowOlder?: boolean;
}

export interface Claim {
  deviceId: string;
  /** base64url of 32 bytes. */
  secret: string;
}
