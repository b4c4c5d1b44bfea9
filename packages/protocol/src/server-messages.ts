// Messages of the server (docs/protocol.md), beside those of devices in messages.ts: of each the schema that whoever
// stands in for a device reads it by, and the one function that makes it.

import { NONCE_BYTES } from "@flipside/image-format/portable/protocol-constants";
import { z } from "zod";
import { base64url } from "#primitives";
import { binary, u32 } from "./messages.ts";
import type { ServerLeaf } from "./topics.ts";

/** What is published, and on which leaf. */
export interface ServerMessage {
  leaf: ServerLeaf;
  payload: Uint8Array | string;
}

const nonce = binary(NONCE_BYTES);
/** HMAC-SHA256. */
const mac = binary(32);
/** base64url of no fixed length. */
const bytes = z.string().regex(/^[A-Za-z0-9_-]+$/, "not base64url");
const DEPLOYMENT_ID_BYTES_MAX = 48;
const REFUSED_NAME_MAX = 64;
/** What a refused message named, if anything, as far as it is told back. */
const refusedName = z.string().max(REFUSED_NAME_MAX);

export const enrolmentRefusals = [
  "claim-unknown",
  "claim-expired",
  "claim-used-up",
  "approval-awaited",
  "mac-invalid",
  "key-mismatch",
  "revoked",
  "expired",
  "malformed",
] as const;
export type EnrolmentRefusal = (typeof enrolmentRefusals)[number];

export const sessionRefusals = ["proof-invalid", "revoked", "expired", "malformed", "session-unknown"] as const;
export type SessionRefusal = (typeof sessionRefusals)[number];

export const enrolledMessage = z.union([
  z.object({ step: z.literal(1), nonce, serverNonce: nonce, mac }),
  z.object({ step: z.literal(2), nonce, ok: z.literal(true) }),
  z.object({
    step: z.union([z.literal(1), z.literal(2)]),
    nonce: refusedName,
    ok: z.literal(false),
    error: z.enum(enrolmentRefusals),
  }),
]);

export const challengeMessage = z.union([
  z.object({ session: nonce, nonce }),
  z.object({ session: nonce, accepted: z.literal(true), mac }),
  z.object({ session: refusedName, accepted: z.literal(false), error: z.enum(sessionRefusals) }),
]);

/** `state`: of the product's releases, signed; in the first offer of a session, and where it has changed. */
const offerHead = z.object({ session: nonce, pollMs: u32.min(500).max(3_600_000), state: bytes.optional() });
const offeredDeployment = z.object({
  deployment: z.string().min(1).max(DEPLOYMENT_ID_BYTES_MAX),
  attempt: u32,
  sizeBytes: u32,
  header: bytes,
  signatures: bytes,
  permit: bytes.optional(),
  deadlineMs: u32.min(1),
});
export type OfferMembers = z.infer<typeof offeredDeployment>;
export const offerMessage = z.union([
  offerHead.extend(offeredDeployment.shape),
  offerHead.extend({ deployment: z.undefined().optional() }),
]);

/** `document`: of a configuration that the command sets. */
export const commandMessage = z.object({ session: nonce, command: bytes, document: bytes.optional() });

/** Of the leaves whose messages are JSON; `chunk` is in chunk-message.ts, `trust` is the chain itself. */
export const serverMessages = {
  enrolled: enrolledMessage,
  challenge: challengeMessage,
  offer: offerMessage,
  command: commandMessage,
} as const;
type ControlLeaf = keyof typeof serverMessages;

const control = <Leaf extends ControlLeaf>(
  leaf: Leaf,
  content: z.infer<(typeof serverMessages)[Leaf]>,
): ServerMessage => ({ leaf, payload: JSON.stringify(content) });

/** `base64url` of a binary value is how the messages have it. */
export { base64url };
const nameOf = (named: unknown): string => (typeof named === "string" ? named.slice(0, REFUSED_NAME_MAX) : "");

/** Answers the first step of an enrolment. */
export const enrolmentChallenge = (nonce: string, serverNonce: string, mac: string): ServerMessage =>
  control("enrolled", { step: 1, nonce, serverNonce, mac });

export const enrolmentDone = (nonce: string): ServerMessage => control("enrolled", { step: 2, nonce, ok: true });

/** `named`: the nonce of what is refused, whatever that is. */
export const enrolmentRefusal = (step: 1 | 2, named: unknown, error: EnrolmentRefusal): ServerMessage =>
  control("enrolled", { step, nonce: nameOf(named), ok: false, error });

export const sessionChallenge = (session: string, nonce: string): ServerMessage =>
  control("challenge", { session, nonce });

/** `mac`: macs.ts `contactMac`. */
export const sessionAcceptance = (session: string, mac: string): ServerMessage =>
  control("challenge", { session, accepted: true, mac });

/** `named`: the session of what is refused, whatever that is. */
export const sessionRefusal = (named: unknown, error: SessionRefusal): ServerMessage =>
  control("challenge", { session: nameOf(named), accepted: false, error });

/** A deployment to offer. */
export interface OfferedDeployment {
  deployment: string;
  attempt: number;
  sizeBytes: number;
  header: Uint8Array;
  signatures: Uint8Array;
  permit?: Uint8Array | undefined;
  deadlineMs: number;
}

/** What an offer says of a deployment. */
export function offerMembers({ header, signatures, permit, deadlineMs, ...names }: OfferedDeployment): OfferMembers {
  return {
    ...names,
    header: base64url(header),
    signatures: base64url(signatures),
    ...(permit === undefined ? {} : { permit: base64url(permit) }),
    deadlineMs,
  };
}

/** Without members of a deployment: there is nothing to do. */
export const offer = (
  session: string,
  pollMs: number,
  members?: OfferMembers,
  releaseState?: Uint8Array,
): ServerMessage => {
  const head = { session, pollMs, ...(releaseState === undefined ? {} : { state: base64url(releaseState) }) };
  return control("offer", members ? { ...head, ...members } : head);
};

/** `signed`: body and signature block. `document`: of `set-configuration`, whose hash is signed. */
export const signedCommand = (session: string, signed: Uint8Array, document?: Uint8Array): ServerMessage =>
  control("command", {
    session,
    command: base64url(signed),
    ...(document === undefined ? {} : { document: base64url(document) }),
  });

export const trustChain = (chain: Uint8Array): ServerMessage => ({ leaf: "trust", payload: chain });

/** `message`: of chunk-message.ts. */
export const chunk = (message: Uint8Array): ServerMessage => ({ leaf: "chunk", payload: message });
