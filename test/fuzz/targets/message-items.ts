// Messages to an agent as items (items.ts): what a hostile server's input is made of, and what a true server would
// send.

import { encodeSignatureBlock } from "@flipside/image-format";
import { commandBody, type CommandParts } from "../../../apps/power-cut/src/server/signed-command.ts";
import { fuzzedIdentity } from "./formats.ts";
import { item, joined, u32 } from "./items.ts";
import { operationsKey, releaseKey } from "./keys.ts";

export const enum Kind {
  /** Put: the leaf. What is published as it comes; $S is the session. */
  Raw,
  /**
   * Put: OFFER_*. u8 deployment, u32 attempt, i16 bytes more than the file has, u32 deadline, u16 bytes of header, of
   * signatures, of permit (0: none); these.
   */
  Offer,
  /** Put: COMMAND_*. Body and signature block; and a document. */
  Command,
  /** Put: CHUNK_*. The message. */
  Chunk,
  /**
   * u8 how many, u8 which of them is spoilt, u8 how (SPOILT_*; a bit of it is changed): answers to fetches, from the
   * image that is offered.
   */
  Serve,
  /** u32 milliseconds. Put TIME_UNREADABLE: for so long from now on, the slot that is written can't be read. */
  Time,
  /** Put 1: by a false server. The next step of the session. */
  Prove,
  /** The connection is lost. */
  Lost,
  Count,
}
export const leaves = ["challenge", "offer", "chunk", "command"] as const;
export const OFFER_SIGN = 1,
  OFFER_PERMIT_DIGEST = 2,
  OFFER_PERMIT_SIGN = 4,
  OFFER_OTHER_SESSION = 8;
export const COMMAND_DEVICE = 1,
  COMMAND_NONCE = 2,
  COMMAND_SIGN = 4,
  COMMAND_SIGN_BY_RELEASE = 8,
  COMMAND_OTHER_SESSION = 16,
  /**
   * What follows body and signature block is the document; length and hash in the body are put right, but with
   * COMMAND_SIGN_BY_RELEASE.
   */
  COMMAND_DOCUMENT = 32,
  /** The app takes what it is handed at once, or refuses it; neither: it says nothing. */
  COMMAND_TAKEN = 64,
  COMMAND_REFUSED = 128;
export const CHUNK_IMAGE = 1,
  CHUNK_WANTED = 2;
export const SPOILT_BIT = 0,
  SPOILT_MAGIC = 1,
  SPOILT_CUT = 2,
  SPOILT_EMPTY = 3,
  SPOILT_PART = 4,
  SPOILT_ATTEMPT = 5,
  SPOILT_DIGEST = 6;
export const TIME_UNREADABLE = 1;
export const OFFER_FIXED_BYTES = 17;
export const BODY_BYTES = 132;

export const time = (ms: number): Uint8Array => item(Kind.Time, 0, u32(ms));
export const unreadable = (ms: number): Uint8Array => item(Kind.Time, TIME_UNREADABLE, u32(ms));
export const serve = (count: number, changed = 255, how = SPOILT_BIT): Uint8Array =>
  item(Kind.Serve, 0, how === SPOILT_BIT ? [count, changed] : [count, changed, how]);
/** Numbers of deployments whose names are as long as bounds are: none, one byte, the longest, one byte more. */
export const NAMELESS = 250,
  SHORT_NAME = 251,
  LONGEST_NAME = 252,
  TOO_LONG_NAME = 253;
export const deploymentName = (number: number): string =>
  ({ [NAMELESS]: "", [SHORT_NAME]: "d", [LONGEST_NAME]: "d".repeat(48), [TOO_LONG_NAME]: "d".repeat(49) })[number] ??
  `d${number}`;
export const prove = (put = 0): Uint8Array => item(Kind.Prove, put, []);
export const lost = (): Uint8Array => item(Kind.Lost, 0, []);
export const raw = (leaf: (typeof leaves)[number], payload: string): Uint8Array =>
  item(Kind.Raw, leaves.indexOf(leaf), Buffer.from(payload, "latin1"));
export const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** An image file's parts. */
export interface Parts {
  header: Uint8Array;
  signatures: Uint8Array;
  table: Uint8Array;
  payload: Uint8Array;
  chunkBytes: number;
}

export function partsOf(file: Uint8Array, chunkBytes: number): Parts {
  const headerBytes = file[6]! | (file[7]! << 8);
  const blockAt = headerBytes;
  const tableAt = blockAt + (file[blockAt + 6]! | (file[blockAt + 7]! << 8));
  // One chunk table entry to a chunk, so the rest says how many there are.
  let chunks = 1;
  while (Math.ceil((file.length - tableAt - 32 * chunks) / chunkBytes) > chunks) chunks++;
  const payloadAt = tableAt + 32 * chunks;
  return {
    header: file.slice(0, headerBytes),
    signatures: file.slice(blockAt, tableAt),
    table: file.slice(tableAt, payloadAt),
    payload: file.slice(payloadAt),
    chunkBytes,
  };
}

export interface OfferOptions {
  put?: number;
  deployment?: number;
  attempt?: number;
  more?: number;
  deadlineMs?: number;
  permit?: Uint8Array;
}

export function offer(
  { header, signatures }: Pick<Parts, "header" | "signatures">,
  options: OfferOptions = {},
): Uint8Array {
  const { put = 0, deployment = 1, attempt = 1, more = 0, deadlineMs = 600_000, permit = new Uint8Array(0) } = options;
  const lengths = [header, signatures, permit].flatMap(({ length }) => [length & 255, length >> 8]);
  return item(
    Kind.Offer,
    put,
    joined(
      [deployment],
      u32(attempt),
      [more & 255, (more >> 8) & 255],
      u32(deadlineMs),
      lengths,
      header,
      signatures,
      permit,
    ),
  );
}

type GivenCommand = Pick<CommandParts, "number" | "kind" | "host" | "port" | "seconds" | "configuration"> & {
  id?: string;
};

/** Put right and signed when it is sent, unless `put` says otherwise. */
export function command(parts: GivenCommand, put = COMMAND_DEVICE | COMMAND_NONCE | COMMAND_SIGN): Uint8Array {
  const body = commandBody({ deviceId: fuzzedIdentity.deviceId, id: "c1".repeat(16), deviceNonce: "", ...parts });
  return item(
    Kind.Command,
    put,
    joined(
      body,
      encodeSignatureBlock([{ keyId: operationsKey.id, signature: new Uint8Array(64) }]),
      parts.configuration?.document ?? [],
    ),
  );
}

/** With a document; `more`: COMMAND_TAKEN, COMMAND_REFUSED. */
export const configure = (number: number, configuration: number, document: string, more = 0): Uint8Array =>
  command(
    { number, kind: 5, configuration: { number: configuration, document: Buffer.from(document, "latin1") } },
    COMMAND_DEVICE | COMMAND_NONCE | COMMAND_SIGN | COMMAND_DOCUMENT | more,
  );

export function permitBytes(digest: Uint8Array, device: Uint8Array = new Uint8Array(32)): Uint8Array {
  const body = joined(Buffer.from("FSPM\x01\x00\x48\x00", "latin1"), digest, device);
  return joined(body, encodeSignatureBlock([{ keyId: releaseKey.id, signature: releaseKey.sign("permit", body) }]));
}
