// What a device has started from, as it signs it beside its session's proof: docs/protocol.md, "Measurement".

import { signingPrefixes } from "@flipside/image-format";

export interface Measured {
  /** SHA-256 of the boot loader and its first root keys, hex; null: its host does not show them. */
  loader: string | null;
  /** SHA-256 of the trust chain. */
  trust: string;
  /** Digest of the image that the loader started. */
  image: string;
  bootCounter: number;
}

const digestAt = (bytes: Buffer, at: number): string => bytes.toString("hex", at, at + 32);

/** `measured`: base64url, of the length that it has to have. */
export function readMeasurement(measured: string): Measured {
  const bytes = Buffer.from(measured, "base64url");
  const loader = digestAt(bytes, 0);
  return {
    loader: /^0+$/.test(loader) ? null : loader,
    trust: digestAt(bytes, 32),
    image: digestAt(bytes, 64),
    bootCounter: bytes.readUInt32LE(96),
  };
}

/** What the second signature is over. `proven`: what the first one is, without its prefix. */
export const signedMeasurement = (proven: string, measured: string): Buffer =>
  Buffer.concat([Buffer.from(`${signingPrefixes.measured}${proven}\n`), Buffer.from(measured, "base64url")]);
