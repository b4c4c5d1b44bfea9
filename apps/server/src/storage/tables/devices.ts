// Devices, how they join, what is known of them, and lists of them that are kept.

import type { Channel } from "@flipside/api/channels";
import type { AgentKind, Command, CommandState, ConfigurationState, EntropyState, Health } from "@flipside/api/types";
import type { BootReasonName, ReleaseStateWarning, SlotStateName } from "@flipside/image-format";
import type { Generated, GeneratedAlways, Selectable, Updateable } from "kysely";

/** Whether an operator looks at a device before it is let in. */
export type ClaimApproval = "not-needed" | "needed" | "given";

export interface ClaimTable {
  deviceId: string;
  secret: Buffer;
  createdAt: number;
  /** Nobody enrols by it after; null: it holds for ever. */
  endsAt: number | null;
  /** How often somebody may still enrol by it; null: as often as they like. */
  enrolmentsLeft: number | null;
  lastEnrolledAt: number | null;
  /** The one key that may enrol; null: the first that proves the claim. */
  publicKey: Buffer | null;
  approval: Generated<ClaimApproval>;
  /** The key that proved the claim and waits for approval. */
  askedKey: Buffer | null;
  askedAt: number | null;
}

export interface DeviceTable {
  id: string;
  publicKey: Buffer;
  enrolledAt: number;
  revokedAt: number | null;
  lastSeenAt: number | null;
  product: string | null;
  hardware: string | null;
  revision: number | null;
  loaderVersion: number | null;
  trustVersion: number | null;
  /** SHA-256 of the device's trust chain, hex; null from an older agent. */
  trustDigest: string | null;
  entropy: EntropyState | null;
  /** The last record that the device refused, and the error code; null when it refused none. */
  trustRefusedVersion: number | null;
  trustRefusedCode: number | null;
  securityFloor: number | null;
  slotBytes: number | null;
  bootCounter: number | null;
  /** How its connection came when it checked in last. */
  channel: Channel | null;
  bootReason: BootReasonName | null;
  health: Health;
  /** JSON of the slots as checked in, or null before the first check-in. */
  running: string | null;
  other: string | null;
  /** JSON of the server's address, as checked in. */
  connection: string | null;
  metricName: string | null;
  metricValue: number | null;
  /** JSON of Measured (features/sessions/measurement.ts), of the newest session; null: its agent measures nothing. */
  measured: string | null;
  /** SHA-256 of the first boot loader that was measured. */
  firstLoader: string | null;
  /** JSON of the newest release state that held, as checked in, and what the device says is wrong; null: nothing. */
  releaseState: string | null;
  releaseStateWarning: ReleaseStateWarning | null;
  /** JSON of what it says of itself, as checked in; null when it says nothing. */
  attributes: string | null;
  /** JSON of StoredTrail (device-records/board-trail.ts); null: nothing was noted. */
  boardTrail: string | null;
  /** Two boards say that they are it, until this moment of steady time; null: they never did, or it was cleared. */
  conflictUntil: number | null;
  /** What speaks for it: an agent of ours, or another one by hawkBit's DDI. */
  agent: Generated<AgentKind>;
  /** What has become of the newest configuration that is desired of it. */
  configurationState: Generated<ConfigurationState>;
  /** Number of that one; null: nobody has set any. */
  configurationDesired: number | null;
  /** JSON of ReportedConfiguration (features/configuration): what it says is in force; null: none. */
  configurationReported: string | null;
  /** Digest of the image that has refused the desired one: another one may take it. */
  configurationRefusedBy: string | null;
  /** Nobody any more: deployments of the past name it, under another id than it had. */
  deletedAt: number | null;
  /** Members of `running`. */
  runningDigest: GeneratedAlways<string | null>;
  runningVersion: GeneratedAlways<string | null>;
  runningState: GeneratedAlways<SlotStateName | null>;
  runningSequence: GeneratedAlways<number | null>;
  /** Members of `other`. */
  otherDigest: GeneratedAlways<string | null>;
  otherState: GeneratedAlways<SlotStateName | null>;
}

/** `devices.lastSeenAt` once more, kept by triggers (migration 0040); -1: never. */
export interface DeviceSeenTable {
  deviceId: string;
  at: number;
}

/** A list of devices that somebody keeps under a name. */
export interface DeviceViewTable {
  id: string;
  /** User name. */
  owner: string;
  name: string;
  /** 1: for everybody. */
  shared: number;
  filter: string;
  query: string;
  sort: string;
  /** JSON of their names; null: those that everybody begins with. */
  columns: string | null;
  /** Of its owner when it was kept: it may name what others are not to know of. */
  scope: string | null;
  savedAt: number;
}

/**
 * How many devices are of a kind: the sum of its rows. Triggers add one at each change, and rows are added up now and
 * then (features/devices/device-counts.ts).
 */
export interface DeviceCountTable {
  id: Generated<number>;
  health: Health;
  version: string | null;
  /** 0 or 1; 2: deleted. */
  revoked: number;
  count: number;
}

export interface DeviceTagTable {
  deviceId: string;
  tag: string;
}

export interface DeviceSecretTable {
  deviceId: string;
  /** Ascends with each enrolment; secrets older than one that was used are deleted. */
  generation: number;
  secret: Buffer;
}

export interface DeviceLogTable {
  id: Generated<number>;
  deviceId: string;
  at: number;
  kind: string;
  detail: string;
}

export interface CommandTable {
  /** Order in which they were given. */
  position: Generated<number>;
  /** 16 random bytes, hex. */
  id: string;
  deviceId: string;
  kind: Command["kind"];
  host: string | null;
  port: number | null;
  /** Of identify. */
  seconds: number | null;
  /** Of a roll-back: the image that ran when it was given. */
  leavesDigest: string | null;
  /** And the one that lay in the other slot when it was sent. */
  goesToDigest: string | null;
  state: CommandState;
  code: number;
  createdAt: number;
  createdBy: string;
  expiresAt: number;
  /** The last time, if it was sent more than once. */
  sentAt: number | null;
  /** The device's boot counter then: a higher one shows that it has rebooted since. */
  bootWhenSent: number | null;
  finishedAt: number | null;
}

/** What a device's console had said, as a command asked for it. */
export interface CollectedLogTable {
  commandId: string;
  deviceId: string;
  collectedAt: number;
  text: string;
}

/** What was desired of a device, the last of which is. */
export interface ConfigurationTable {
  deviceId: string;
  /** From 1, ascending. */
  number: number;
  /** JSON as the device gets it. */
  document: string;
  /** SHA-256 of that, hex. */
  digest: string;
  createdAt: number;
  createdBy: string;
  /** The last time, if it was sent more than once. */
  sentAt: number | null;
  /** When the device said so first. */
  inForceAt: number | null;
  /** JSON of StoredRefusal (features/configuration); null: it was not refused. */
  refusal: string | null;
}

export type DeviceRow = Selectable<DeviceTable>;
export type DeviceUpdate = Updateable<DeviceTable>;
export type CommandRow = Selectable<CommandTable>;
export type ConfigurationRow = Selectable<ConfigurationTable>;
export type CommandUpdate = Updateable<CommandTable>;
