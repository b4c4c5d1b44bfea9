// Devices of other agents: hawkBit, Mender, AWS IoT.

import type { MenderAuthSetState } from "@flipside/api/types";
import type { JobStatus } from "@flipside/protocol/thing-messages";
import type { Generated, Selectable } from "kysely";

/** What lets a device in that speaks hawkBit's DDI, and when it said last what it is. */
export interface HawkbitTargetTable {
  deviceId: string;
  /** SHA-256 of its target token; null: it has none, and comes by the gateway's, or by its certificate. */
  tokenHash: Buffer | null;
  createdAt: number;
  attributesAt: number | null;
}

/** A try of a deployment, as a device of another agent knows it. */
export interface OtherAgentActionTable {
  /** Above 0; never given twice. */
  id: Generated<number>;
  deviceId: string;
  deploymentId: string;
  attempt: number;
  /** Of the image. */
  digest: string;
  state: "open" | "cancelling" | "closed";
  /** Polls that were answered with its cancellation, where hawkBit's DDI is spoken. */
  cancelsShown: number;
  createdAt: number;
  /** The device has said that it has succeeded. */
  claimedAt: number | null;
  /** And what it said of itself later has shown it. */
  provenAt: number | null;
}

/** What lets a thing of AWS IoT in, and what it has said of itself. */
export interface AwsThingTable {
  deviceId: string;
  /** SHA-256 of its certificate's DER, hex; null: it has none, and can't come in. */
  certificate: string | null;
  createdAt: number;
  /** Of its shadow; 0: it has never said anything. */
  shadowVersion: number;
}

/** How far an action is, as AWS IoT's jobs have it. */
export interface AwsExecutionTable {
  actionId: number;
  deviceId: string;
  status: JobStatus;
  /** JSON of what the device said last of it; null: nothing. */
  statusDetails: string | null;
  /** One more with each change. */
  version: number;
  startedAt: number | null;
  updatedAt: number;
}

/** Of an image's payload, hex. */
export interface PayloadHashesTable {
  /** Of the image. */
  digest: string;
  sha1: string;
  md5: string;
  sha256: string;
  /** That its file has where an agent goes by names. */
  suffix: string;
}

/** What an image's payload says of itself, as far as it was looked at. */
export interface PayloadNameTable {
  /** Of the image. */
  digest: string;
  /** Mender's artifact_name; null: it is no such artifact, or none that can be read. */
  name: string | null;
  /** JSON: the device types that it is for; null: it does not say. */
  fits: string | null;
}

/** A key that speaks, or would like to speak, for the device of an identity, by Mender's device API. */
export interface MenderAuthSetTable {
  id: string;
  /** SHA-256 of `identity`, hex. */
  identityHash: string;
  /** JSON: what the device says that it is, names in their order. */
  identity: string;
  /** SHA-256 of the key's DER (SubjectPublicKeyInfo), hex. */
  keyHash: string;
  /** PEM. */
  publicKey: string;
  state: MenderAuthSetState;
  /** Set once it was accepted. */
  deviceId: string | null;
  createdAt: number;
  /** When it asked last, to within some minutes; null: never, an operator has brought it. */
  askedAt: number | null;
  /** SHA-256 of its token, hex; null: it has none. */
  tokenHash: string | null;
  /** Of steady time. */
  tokenEndsAt: number | null;
}

export type MenderAuthSetRow = Selectable<MenderAuthSetTable>;
export type ActionRow = Selectable<OtherAgentActionTable>;
export type ExecutionRow = Selectable<AwsExecutionTable>;
