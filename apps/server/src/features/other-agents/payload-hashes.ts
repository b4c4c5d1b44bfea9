// What agents check an image's payload by, and the name that its file ends with: computed when it is first asked for,
// in one pass over the file, and stored.

import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import type { Selectable } from "kysely";
import type { ImageRow, PayloadHashesTable } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";

const readBytes = 256 * 1024;

export type PayloadHashes = Selectable<PayloadHashesTable>;
type Payload = Pick<ImageRow, "digest" | "fileName" | "payloadOffset" | "payloadBytes">;

/** By the first bytes: an archive of cpio(5), "newc" with or without checksums; a squashfs, which a RAUC bundle is. */
export function suffixOf(head: Uint8Array): string {
  const text = Buffer.from(head.subarray(0, 6)).toString("latin1");
  if (text === "070701" || text === "070702") return "swu";
  return text.startsWith("hsqs") ? "raucb" : "bin";
}

/** Throws what the file system says, and an Error when the file ends too early. */
async function hash(path: string, { payloadOffset, payloadBytes }: Payload): Promise<Omit<PayloadHashes, "digest">> {
  const [sha1, md5, sha256] = ["sha1", "md5", "sha256"].map((name) => createHash(name));
  const file = await open(path, "r");
  try {
    const buffer = Buffer.allocUnsafe(readBytes);
    let suffix = "bin";
    for (let done = 0; done < payloadBytes; ) {
      const wanted = Math.min(readBytes, payloadBytes - done);
      const { bytesRead } = await file.read(buffer, 0, wanted, payloadOffset + done);
      if (bytesRead === 0) throw new Error(`it ends at ${payloadOffset + done}`);
      const piece = buffer.subarray(0, bytesRead);
      if (done === 0) suffix = suffixOf(piece);
      for (const each of [sha1!, md5!, sha256!]) each.update(piece);
      done += bytesRead;
    }
    return { sha1: sha1!.digest("hex"), md5: md5!.digest("hex"), sha256: sha256!.digest("hex"), suffix };
  } finally {
    await file.close();
  }
}

export interface PayloadHashing {
  of(image: Payload): Promise<PayloadHashes>;
}

export function createPayloadHashing({ db }: Storage, pathOf: (fileName: string) => string): PayloadHashing {
  /** A whole wave asks at the same time. */
  const underWay = new Map<string, Promise<PayloadHashes>>();

  async function make(image: Payload): Promise<PayloadHashes> {
    const { digest } = image;
    const known = await db.selectFrom("payloadHashes").selectAll().where("digest", "=", digest).executeTakeFirst();
    if (known !== undefined) return known;
    const made = { digest, ...(await hash(pathOf(image.fileName), image)) };
    await db
      .insertInto("payloadHashes")
      .values(made)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return made;
  }

  return {
    of(image) {
      const asked = underWay.get(image.digest) ?? make(image).finally(() => underWay.delete(image.digest));
      underWay.set(image.digest, asked);
      return asked;
    },
  };
}
