// Whether what a device is sent is what was signed, byte for byte: asked by devices of both kinds.

import { createHash } from "node:crypto";
import { CHUNK_PART_PAYLOAD, CHUNK_PART_TABLE, CHUNK_TABLE_PIECE_BYTES } from "@flipside/image-format";
import type { readChunk } from "@flipside/protocol/chunk-message";
import type { offerMessage } from "@flipside/protocol/server-messages";
import type { KnownImage, Project } from "../server/project.ts";

type OfferedDeployment = Extract<ReturnType<typeof offerMessage.parse>, { deployment: string }>;
type Chunk = NonNullable<ReturnType<typeof readChunk>>;

/** The image that an offer is about; undefined: it is none that was signed. */
export function offeredImage(project: Project, offer: OfferedDeployment): KnownImage | undefined {
  const header = Buffer.from(offer.header, "base64url");
  const image = project.imageOf(createHash("sha256").update(header).digest("hex"));
  const isExact =
    image?.signatures.equals(Buffer.from(offer.signatures, "base64url")) && image.sizeBytes === offer.sizeBytes;
  return isExact ? image : undefined;
}

export function isSignedPiece(image: KnownImage, chunk: Chunk): boolean {
  const isTable = chunk.part === CHUNK_PART_TABLE;
  if (!isTable && chunk.part !== CHUNK_PART_PAYLOAD) return false;
  const [whole, pieceBytes] = isTable ? [image.table, CHUNK_TABLE_PIECE_BYTES] : [image.payload, image.chunkBytes];
  return whole.subarray(chunk.index * pieceBytes, (chunk.index + 1) * pieceBytes).equals(Buffer.from(chunk.data));
}
