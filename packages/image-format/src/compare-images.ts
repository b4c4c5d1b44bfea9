// What differs between two images: members of the header, and chunks.

import type { ImageDescription } from "./image-file.ts";
import { toHex } from "./keys.ts";

const DIGEST_BYTES = 32;

export interface ImageDifference {
  hardware: string;
  /** Null: the other release has no image for this hardware. */
  digests: [string | null, string | null];
  /** Members that differ, with both values. */
  members: Record<string, [unknown, unknown]>;
  /** Of the second image's chunks, those that the first one has, wherever; and those that it has not. */
  chunks: { same: number; other: number; otherBytes: number };
}

export interface Compared {
  /** The file, or its beginning with all of the chunk table. */
  bytes: Uint8Array;
  image: ImageDescription;
}

/** Where parts lie, and what follows from the payload or the signer, is told by other members. */
const told: readonly string[] = [
  "digest",
  "tableDigest",
  "tableOffset",
  "payloadOffset",
  "headerBytes",
  "signatureBlockBytes",
  "sizeBytes",
  "chunkCount",
];

function chunkDigests({ bytes, image }: Compared): string[] {
  return Array.from({ length: image.chunkCount }, (_, i) => {
    const at = image.tableOffset + i * DIGEST_BYTES;
    return toHex(bytes.subarray(at, at + DIGEST_BYTES));
  });
}

function chunksOf(first: Compared | undefined, second: Compared | undefined): ImageDifference["chunks"] {
  if (second === undefined) return { same: 0, other: 0, otherBytes: 0 };
  const known = new Set(first === undefined ? [] : chunkDigests(first));
  const { payloadBytes, chunkBytes } = second.image;
  const other = chunkDigests(second).flatMap((digest, i) =>
    known.has(digest) ? [] : [Math.min(chunkBytes, payloadBytes - i * chunkBytes)],
  );
  const otherBytes = other.reduce((sum, bytes) => sum + bytes, 0);
  return { same: second.image.chunkCount - other.length, other: other.length, otherBytes };
}

/** Of one hardware; at least one of them is given. */
export function compareImages(first: Compared | undefined, second: Compared | undefined): ImageDifference {
  const members: ImageDifference["members"] = {};
  const [one, two] = [first?.image, second?.image].map((image) => (image ?? {}) as Record<string, unknown>);
  if (first !== undefined && second !== undefined)
    for (const name of new Set([...Object.keys(one!), ...Object.keys(two!)]))
      if (!told.includes(name) && JSON.stringify(one![name]) !== JSON.stringify(two![name]))
        members[name] = [one![name] ?? null, two![name] ?? null];
  return {
    hardware: (second ?? first)!.image.hardware.name,
    digests: [first?.image.digest ?? null, second?.image.digest ?? null],
    members,
    chunks: chunksOf(first, second),
  };
}
