// Release files as a build writes them, small ones, and each way in which one can be wrong.

import {
  buildImage,
  buildRelease,
  describeImage,
  generateSigningKey,
  type ImageFields,
  keyIdOf,
  type SigningKey,
  toHex,
} from "@flipside/image-format";
import type { Trust } from "@flipside/api/types";
import { imageFields } from "../../server/test/keys.ts";
import { trust } from "./fixtures.ts";

const fields = imageFields({
  hardware: { name: "virt-rv32", revisionMin: 1, revisionMax: 0xffff },
  version: "1.2.0",
  releaseSequence: 3,
  description: "made for tests",
});
const payload = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 31) & 0xff);

/** For two kinds of hardware. */
export async function signedRelease(key: SigningKey, change: Partial<ImageFields> = {}): Promise<Buffer> {
  const image = (hardware: ImageFields["hardware"]): Promise<Uint8Array> =>
    buildImage({ fields: { ...fields, ...change, hardware }, payload, signingKeys: [key.privateJwk] });
  const second = { name: "virtual", revisionMin: 1, revisionMax: 1 };
  return Buffer.from(buildRelease([await image(fields.hardware), await image(second)]));
}

/** That names `inForce`, and has revoked `revoked`. */
export async function trustIn(inForce: SigningKey, revoked?: SigningKey): Promise<Trust> {
  const named = async (key: SigningKey, revokedBy: number | null): Promise<Trust["keys"][number]> => ({
    id: toHex(await keyIdOf(key.publicKey)),
    purpose: "release",
    publicKey: toHex(key.publicKey),
    since: 1,
    revokedBy,
  });
  const before = revoked === undefined ? [] : [await named(revoked, 2)];
  return trust({ keys: [await named(inForce, null), ...before] });
}

export interface Damage {
  name: string;
  code: string;
  file: Buffer;
}

const firstImageAt = 8 + 2 * 4;

function flipped(file: Buffer, at: number): Buffer {
  const copy = Buffer.from(file);
  copy[at]! ^= 1;
  return copy;
}

/** Bytes of the second image. */
const second = (file: Buffer): number => file.readUInt32LE(12);

/** Ways to be wrong, of a file that `key` signed, where `revoked` may not sign any more. */
export async function damages(key: SigningKey, revoked: SigningKey): Promise<Damage[]> {
  const good = await signedRelease(key);
  const first = good.subarray(firstImageAt, firstImageAt + good.readUInt32LE(8));
  const { headerBytes, tableOffset, payloadOffset } = await describeImage(first);
  const at = (offset: number): Buffer => flipped(good, firstImageAt + offset);
  const stranger = await generateSigningKey();
  const differing = buildRelease([first, (await signedRelease(key, { version: "1.3.0" })).subarray(-second(good))]);
  return [
    { name: "truncated", code: "image-truncated", file: good.subarray(0, -1) },
    { name: "empty", code: "image-truncated", file: Buffer.alloc(0) },
    { name: "trailing bytes", code: "image-trailing-bytes", file: Buffer.concat([good, Buffer.alloc(3)]) },
    { name: "no release", code: "header-malformed", file: Buffer.from("this is no release file at all") },
    { name: "a bit of the payload", code: "chunk-mismatch", file: at(payloadOffset + 5_000) },
    { name: "a bit of the chunk table", code: "chunk-table-mismatch", file: at(tableOffset) },
    { name: "a bit of the signature", code: "signature-mismatch", file: at(tableOffset - 40) },
    { name: "a bit of the header", code: "signature-mismatch", file: at(headerBytes - 8) },
    { name: "a key that nobody knows", code: "signature-unknown-key", file: await signedRelease(stranger) },
    { name: "a revoked key", code: "signature-unknown-key", file: await signedRelease(revoked) },
    { name: "images of two versions", code: "header-malformed", file: Buffer.from(differing) },
  ];
}
