// ClientHello of TLS 1.3 (RFC 8446, section 4.1.2), read before OpenSSL gets it: a device may have more than one
// secret, and its binder (section 4.2.11.2) tells by which it speaks. Node's own callback is asked for the key at once,
// and has no time to look for one.

import { createHash, createHmac } from "node:crypto";
import { equalInConstantTime } from "../equal-in-constant-time.ts";

const recordHeaderBytes = 5;
const handshakeRecord = 22;
const clientHello = 1;
const preSharedKey = 41;
const hashBytes = 32;
/** A device's has some 300 bytes; one record holds it. */
const helloBytesMax = 2_048;

export interface PskClientHello {
  /** The first that is offered. */
  identity: string;
  /** The binder of that identity. */
  binder: Buffer;
  /** What it is a MAC over: SHA-256 of the message up to its binders. */
  hash: Buffer;
}

/** Fields of a structure one after the other; throws RangeError beyond its end. */
class Fields {
  #at = 0;

  constructor(readonly bytes: Buffer) {}

  get at(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at === this.bytes.length;
  }

  number(bytes: 1 | 2 | 3 | 4): number {
    const value = this.bytes.readUIntBE(this.#at, bytes);
    this.#at += bytes;
    return value;
  }

  take(bytes: number): Buffer {
    if (this.#at + bytes > this.bytes.length) throw new RangeError("shorter than it says");
    this.#at += bytes;
    return this.bytes.subarray(this.#at - bytes, this.#at);
  }

  /** What a length of so many bytes says. */
  sized(lengthBytes: 1 | 2): Buffer {
    return this.take(this.number(lengthBytes));
  }
}

/**
 * Of the first bytes of a connection: "more" while they are a part of a ClientHello, or why they will be no ClientHello
 * with a pre-shared key.
 */
export function readPskClientHello(bytes: Buffer): PskClientHello | "more" | { refused: string } {
  if (bytes.length > 0 && bytes[0] !== handshakeRecord) return { refused: "it is no TLS" };
  if (bytes.length < recordHeaderBytes) return "more";
  const length = bytes.readUInt16BE(3);
  if (length > helloBytesMax) return { refused: "its ClientHello is too long for a device's" };
  if (bytes.length < recordHeaderBytes + length) return "more";
  try {
    return helloIn(bytes.subarray(recordHeaderBytes, recordHeaderBytes + length));
  } catch (error) {
    if (error instanceof RangeError) return { refused: "its ClientHello is malformed" };
    throw error;
  }
}

function helloIn(message: Buffer): PskClientHello | { refused: string } {
  const fields = new Fields(message);
  if (fields.number(1) !== clientHello) return { refused: "it begins with no ClientHello" };
  if (fields.number(3) !== message.length - fields.at) return { refused: "its ClientHello is not in one record" };
  fields.take(2 + 32);
  fields.sized(1); // session id
  fields.sized(2); // suites
  fields.sized(1); // compression
  const extensions = new Fields(fields.sized(2));
  if (!fields.isAtEnd) return { refused: "its ClientHello is malformed" };
  while (!extensions.isAtEnd) {
    const type = extensions.number(2);
    const body = extensions.sized(2);
    // It is the last (section 4.2.11): what is before the binders is all of the message but them.
    if (type === preSharedKey && extensions.isAtEnd) return pskIn(message, new Fields(body));
  }
  return { refused: "it offers no pre-shared key" };
}

function pskIn(message: Buffer, fields: Fields): PskClientHello {
  const identities = new Fields(fields.sized(2));
  const identity = identities.sized(2).toString("latin1");
  identities.take(4);
  const binders = new Fields(fields.sized(2));
  const hashed = message.subarray(0, message.length - binders.bytes.length - 2);
  return { identity, binder: binders.sized(1), hash: createHash("sha256").update(hashed).digest() };
}

/** Whether it was made by this key: an external one, for a suite with SHA-256. */
export function isByKey({ binder, hash }: PskClientHello, key: Uint8Array): boolean {
  const early = hmac(Buffer.alloc(hashBytes), key);
  const nothing = createHash("sha256").digest();
  const finished = expandLabel(expandLabel(early, "ext binder", nothing), "finished", Buffer.alloc(0));
  return equalInConstantTime(hmac(finished, hash), binder);
}

const hmac = (key: Uint8Array, data: Uint8Array): Buffer => createHmac("sha256", key).update(data).digest();

/** HKDF-Expand-Label (section 7.1) of 32 bytes. */
function expandLabel(secret: Uint8Array, name: string, context: Uint8Array): Buffer {
  const label = Buffer.from(`tls13 ${name}`);
  const head = [0, hashBytes, label.length, ...label, context.length, ...context];
  return hmac(secret, Buffer.from([...head, 1]));
}
