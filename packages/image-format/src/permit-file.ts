// Permits: a release key's word that one older image may be installed (portable/permit.ts).

import type { JWK } from "jose";
import { fromHex, sha256 } from "./keys.ts";
import { writeU16, writeU32 } from "./portable/bytes.ts";
import { DIGEST_BYTES } from "./portable/image-header.ts";
import { PERMIT_BODY_BYTES, PERMIT_DEVICE_OFFSET, PERMIT_DIGEST_OFFSET, PERMIT_MAGIC } from "./portable/permit.ts";
import { signBlock } from "./signing.ts";

/** Without `deviceId` the permit is for any device. */
export async function buildPermit(options: {
  imageDigest: string;
  deviceId?: string;
  signingKeys: JWK[];
}): Promise<Uint8Array> {
  const digest = fromHex(options.imageDigest);
  if (digest.length !== DIGEST_BYTES)
    throw new RangeError(`image digest "${options.imageDigest.slice(0, 80)}": ${2 * DIGEST_BYTES} hex digits`);
  const body = new Uint8Array(PERMIT_BODY_BYTES);
  writeU32(body, 0, PERMIT_MAGIC);
  writeU16(body, 4, 1);
  writeU16(body, 6, PERMIT_BODY_BYTES);
  body.set(digest, PERMIT_DIGEST_OFFSET);
  if (options.deviceId !== undefined)
    body.set(await sha256(new TextEncoder().encode(options.deviceId)), PERMIT_DEVICE_OFFSET);
  const block = await signBlock(options.signingKeys, "permit", body);
  const permit = new Uint8Array(body.length + block.length);
  permit.set(body);
  permit.set(block, body.length);
  return permit;
}
