// Control messages from devices, checked before anybody looks at them (docs/protocol.md).

import { attributeNamePattern, attributesMax, attributeTextCharactersMax } from "@flipside/api/limits";
import { isPlainText } from "@flipside/api/plain-text";
import {
  bootReasonNames,
  CONFIGURATION_REFUSAL_TEXT_BYTES_MAX,
  CONTROL_MESSAGE_BYTES_MAX,
  deploymentStateNames,
  FETCH_WINDOW_MAX,
  healthNames,
  LOG_PART_CHARACTERS_MAX,
  MEASUREMENT_BYTES,
  releaseStateWarningNames,
  slotStateNames,
} from "@flipside/image-format";
import { z } from "zod";
import { base64url, fromBase64url } from "#primitives";

/** base64url without padding of exactly `bytes` bytes. */
export function binary(bytes: number) {
  const characters = Math.ceil((bytes * 4) / 3);
  return (
    z
      .string()
      .length(characters)
      .regex(/^[A-Za-z0-9_-]*$/, "not base64url")
      // The last character may carry bits that belong to no byte; two spellings of one value would pass as two values.
      .refine((text) => base64url(fromBase64url(text)) === text, "not canonical base64url")
  );
}

export const u32 = z.number().int().min(0).max(0xffff_ffff);
const i32 = z.number().int().min(-0x8000_0000).max(0x7fff_ffff);
/** ASCII that is seen, and spaces. */
const printable = (charactersMax: number) =>
  z
    .string()
    .max(charactersMax)
    .regex(/^[\x20-\x7e]*$/, "not printable ASCII");
const digest = z.string().regex(/^[0-9a-f]{64}$/);
/** Shown in the console beside its own words. */
const plain = (charactersMax: number) =>
  z.string().min(1).max(charactersMax).refine(isPlainText, "holds characters that are not seen");
const name = plain(64);
const nonce = binary(16);

/** Steps of an enrolment. */
export const enrolBeginMessage = z.object({ step: z.literal(1), device: z.string(), publicKey: binary(32), nonce });
export const enrolProofMessage = z.object({ step: z.literal(2), serverNonce: nonce, mac: binary(32) });
export type EnrolBegin = z.infer<typeof enrolBeginMessage>;
export type EnrolProof = z.infer<typeof enrolProofMessage>;

/** `connection` is the id of the connection's first session, in the hello of a later one: its last will names that. */
export const helloMessage = z.object({ session: nonce, connection: nonce.optional() });
export const goneMessage = z.object({ session: nonce });
/** What the device has started from, and a signature over that beside what `signature` is over; both, or neither. */
export const proofMessage = z
  .object({
    ...{ session: nonce, nonce, deviceNonce: nonce, signature: binary(64) },
    measured: binary(MEASUREMENT_BYTES).optional(),
    measuredSignature: binary(64).optional(),
  })
  .refine(
    ({ measured, measuredSignature }) => (measured === undefined) === (measuredSignature === undefined),
    "measured and measuredSignature go together",
  );
export type Hello = z.infer<typeof helloMessage>;
export type Proof = z.infer<typeof proofMessage>;

const slotName = z.enum(["a", "b"]);
const slotState = z.enum(slotStateNames);
const deploymentId = plain(64);
const deploymentState = z.enum(deploymentStateNames);

const commandId = z.string().regex(/^[0-9a-f]{32}$/);

/** What the device is beside that, by names of its own. */
const attributes = z
  .record(
    z.string().regex(attributeNamePattern),
    z.union([
      z.string().max(attributeTextCharactersMax).refine(isPlainText, "holds characters that are not seen"),
      z.number(),
      z.boolean(),
    ]),
  )
  .refine((all) => Object.keys(all).length <= attributesMax, `more than ${attributesMax}`);

export const checkInMessage = z.object({
  boot: u32,
  sequence: u32,
  product: name,
  hardware: name,
  revision: u32,
  loader: u32,
  trust: u32,
  /** SHA-256 of the device's trust chain; absent from older agents. */
  trustDigest: digest.optional(),
  /** What came of the health tests of its noise source. */
  entropy: z.enum(["good", "failed-health", "absent"]).optional().catch(undefined),
  /** The last trust record that this boot refused; version 0: its form or signatures did not hold. */
  trustRefused: z.object({ version: u32, code: u32 }).optional().catch(undefined),
  /** The newest release state that held in this run, in seconds since 1970 (0: none did), and what is wrong now. */
  releaseState: z
    .object({ issued: u32, until: u32, sequence: u32, warning: z.enum(releaseStateWarningNames).optional() })
    .optional()
    .catch(undefined),
  bootReason: z.enum(bootReasonNames),
  uptimeMs: u32,
  floor: u32,
  /** Said as long as the boot-control log is one that the loader had to make anew. */
  bootControl: z.literal("rebuilt").optional().catch(undefined),
  health: z.enum(healthNames),
  running: z.object({
    slot: slotName,
    digest,
    version: name,
    releaseSequence: u32,
    state: slotState,
    reason: u32.optional(),
  }),
  other: z.object({ slot: slotName, digest: digest.optional(), state: slotState, reason: u32.default(0) }),
  slotBytes: u32,
  /** Of no use to an update: what is wrong with them keeps no device from one. */
  attributes: attributes.optional().catch(undefined),
  /** The server that the device is connected to; and what became of the last address that a command gave it. */
  connection: z.object({ host: plain(64), port: u32, command: commandId.optional(), code: u32.optional() }).optional(),
  deployment: z.object({ id: deploymentId, attempt: u32, state: deploymentState, code: u32.default(0) }).optional(),
  /** What the app goes by: the configuration in force, and SHA-256 of its document. */
  configuration: z
    .object({ number: u32.min(1), digest })
    .optional()
    .catch(undefined),
  /** The last one that this run has refused, until another is proposed; what the app said of it, if it did. */
  configurationRefused: z
    .object({
      number: u32.min(1),
      code: u32,
      appCode: i32.optional(),
      text: printable(CONFIGURATION_REFUSAL_TEXT_BYTES_MAX).optional(),
    })
    .optional()
    .catch(undefined),
});
export type CheckIn = z.infer<typeof checkInMessage>;

export const stateMessage = z.object({
  deployment: deploymentId,
  attempt: u32,
  boot: u32,
  sequence: u32,
  state: deploymentState,
  done: u32.default(0),
  total: u32.default(0),
  code: u32.default(0),
});
export type StateReport = z.infer<typeof stateMessage>;

export const fetchMessage = z.object({
  deployment: deploymentId,
  attempt: u32,
  part: z.union([z.literal(0), z.literal(1)]),
  first: u32,
  count: u32.min(1).max(FETCH_WINDOW_MAX),
});
export type Fetch = z.infer<typeof fetchMessage>;

export const telemetryMessage = z.object({
  uptimeMs: u32,
  health: z.enum(healthNames),
  metric: name.optional(),
  value: i32.optional(),
});

export const logMessage = z.object({
  crash: z.object({
    kind: plain(32),
    module: u32.optional(),
    code: z.number().int().optional(),
    mepc: u32.optional(),
    mtval: u32.optional(),
    uptimeMs: u32.optional(),
    message: z.string().max(512).optional(),
    phase: u32.optional(),
    log: z.string().max(2048).optional(),
  }),
});

/** More than the longest console takes, of line feeds alone. */
const logPartsMax = 64;

/** A part of the console, in answer to a `collect-logs`. Parts count from 1, and their texts follow each other. */
export const logPartMessage = z
  .object({
    command: commandId,
    part: u32.min(1).max(logPartsMax),
    parts: u32.min(1).max(logPartsMax),
    text: z
      .string()
      .max(LOG_PART_CHARACTERS_MAX)
      .regex(/^[\n\x20-\x7e]*$/, "not printable ASCII and line feeds"),
  })
  .refine(({ part, parts }) => part <= parts, "a part beyond the last");
export type LogPart = z.infer<typeof logPartMessage>;

export const answerMessage = z.object({ command: commandId, code: u32 });
export type CommandAnswer = z.infer<typeof answerMessage>;

export type ParsedObject = Record<string, unknown>;

/** The JSON object in a control message, or why there is none. */
export function parseControl(payload: Uint8Array): { object: ParsedObject } | { refusal: string } {
  if (payload.length > CONTROL_MESSAGE_BYTES_MAX) {
    return { refusal: `${payload.length} bytes, more than ${CONTROL_MESSAGE_BYTES_MAX}` };
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    return { refusal: "not JSON" };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { refusal: "not a JSON object" };
  return { object: value as ParsedObject };
}

/** One short line for a log about what a message lacks. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.join(".") || "message"}: ${issue.message}`)
    .join("; ");
}
