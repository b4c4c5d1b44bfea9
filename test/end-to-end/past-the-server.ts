// Puts images into the server's store without asking the server: what a server that was broken into could offer.

import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { sha256, toHex } from "@flipside/image-format";
import { Database } from "../../packages/processes/src/sqlite.ts";
import { fileOf, type OfferedImage } from "./hostile-images.ts";

/** Stores a release with one image for each hardware; returns its id. */
export async function storePastTheServer(
  serverFolder: string,
  release: { product: string; version: string; releaseSequence: number },
  images: { hardware: string; image: OfferedImage }[],
): Promise<string> {
  const id = randomBytes(10).toString("hex");
  const rows = await Promise.all(
    images.map(async ({ hardware, image }) => {
      const digest = toHex(await sha256(image.header));
      const file = fileOf(image);
      const fileDigest = toHex(await sha256(file));
      const fileName = `${fileDigest}.image`;
      writeFileSync(join(serverFolder, "images", fileName), file);
      const tableOffset = image.header.length + image.signatureBlock.length;
      return {
        digest,
        releaseId: id,
        hardware,
        revisionMin: 1,
        revisionMax: 1,
        securityCounter: 1,
        keyId: "0000000000000000",
        header: Buffer.from(image.header),
        signatureBlock: Buffer.from(image.signatureBlock),
        fileName,
        fileDigest,
        sizeBytes: image.sizeBytes,
        tableOffset,
        payloadOffset: tableOffset + image.table.length,
        payloadBytes: image.payload.length,
        chunkBytes: 4096,
        chunkCount: image.chunkCount,
      };
    }),
  );
  const database = new Database(join(serverFolder, "flipside.sqlite"), { timeout: 10_000 });
  try {
    database.transaction(() => {
      database
        .prepare(
          "INSERT INTO releases (id, product, version, releaseSequence, description, uploadedAt, uploadedBy) VALUES (?, ?, ?, ?, NULL, ?, 'hostile')",
        )
        .run(id, release.product, release.version, release.releaseSequence, Date.now());
      for (const row of rows) {
        const names = Object.keys(row);
        database
          .prepare(`INSERT INTO images (${names.join(", ")}) VALUES (${names.map((name) => `@${name}`).join(", ")})`)
          .run(row);
      }
    })();
  } finally {
    database.close();
  }
  return id;
}
