// What the reference server does not decide: a story, a script or a hostile input does. Where a member may be left out,
// the server then does what docs/protocol.md says.

import type { CheckIn, CommandAnswer, Fetch, LogPart, Proof, StateReport } from "../messages.ts";
import type { DeviceLeaf, ServerLeaf } from "../topics.ts";
import type { Session } from "./connection.ts";

/** Publishes to the device. */
export type Say = (leaf: ServerLeaf, payload: Uint8Array) => void;

/** base64url of what `over` (macs.ts) makes of a key, which is base64url too. */
export type Mac = <Fields extends object>(
  over: (key: Uint8Array, fields: Fields) => Uint8Array,
  key: string,
  fields: Fields,
) => string;

/** `waitMs`: for so long the device puts an update off. */
export type Report = StateReport & { waitMs?: number };

export interface Policy {
  readonly deviceId: string;
  /** base64url; undefined: there is no such claim. */
  readonly claimSecret: string | undefined;
  /** 16 bytes, base64url. */
  nonce(of: "session" | "enrolment"): string;
  /** Left out: `plainMac`. */
  readonly mac?: Mac;

  /** Whether a device may connect that has this secret, base64url. */
  knows(secret: string): boolean;
  /** A device has proved its claim: what is kept of it, or why it is refused. */
  enrolled(secret: string, publicKey: string): "key-mismatch" | "revoked" | undefined;

  /** Whether the server keeps to itself what it would answer to this. It has heard it. */
  isSilent?(leaf: DeviceLeaf): boolean;
  /** Whether a proof is taken by whatever nonce it is, again and again. */
  readonly takesAnyProof?: boolean;
  /** Left out: the device is believed. */
  signatureHolds?(proof: Proof): boolean;

  // What else the device says in a session in which both have proved themselves.
  checkedIn?(checkIn: CheckIn, session: Session, say: Say): void;
  reported?(report: Report, session: Session, say: Say): void;
  answered?(answer: CommandAnswer): void;
  /** A part of its console, which a command asked for. */
  logged?(part: LogPart): void;
  fetched?(fetch: Fetch, session: Session, say: Say): void;
}
