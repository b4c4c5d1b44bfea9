// An image by its header: what a bench has to know of one that it has not made.

import { readHeader } from "@flipside/image-format";
import { sha256 } from "@flipside/protocol/primitives";
import type { KnownImage } from "./fleet-side.ts";

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Throws FormatError. */
export function knownImage(header: Uint8Array, payload: Uint8Array = new Uint8Array()): KnownImage {
  const { versionOffset, versionBytes, chunkCount } = readHeader(header);
  const version = new TextDecoder().decode(header.subarray(versionOffset, versionOffset + versionBytes));
  return { name: version, version, digest: hex(sha256(header)), header, payload, chunkCount };
}
