// Makes signatures with jose: Ed25519 JWS, unencoded detached payload (RFC 7797), one purpose each.

import { FlattenedSign, importJWK, type JWK } from "jose";
import { fromBase64Url, keyIdOf, signingKeyFromJwk } from "./keys.ts";
import {
  SIGNATURE_BLOCK_MAGIC,
  SIGNATURE_BLOCK_PREFIX_BYTES,
  SIGNATURE_BYTES,
  SIGNATURE_ENTRY_BYTES,
  signatureCount,
  signatureKeyIdOffset,
  signatureOffset,
  SIGNATURES_MAX,
} from "./portable/signature-block.ts";
import { KEY_ID_BYTES } from "./portable/image-header.ts";
import { writeU16, writeU32 } from "./portable/bytes.ts";
import {
  PREFIX_COMMAND,
  PREFIX_MEASURED,
  PREFIX_PERMIT,
  PREFIX_SESSION,
  PREFIX_STATE,
} from "./portable/agent-signing-prefix.ts";
import { PREFIX_IMAGE, PREFIX_TRUST } from "./portable/signing-prefix.ts";

export type SignaturePurpose = "image" | "trust" | "command" | "permit" | "session" | "state" | "measured";

/** The constant first part of each purpose's signing input. */
export const signingPrefixes: Record<SignaturePurpose, string> = {
  image: PREFIX_IMAGE,
  trust: PREFIX_TRUST,
  command: PREFIX_COMMAND,
  permit: PREFIX_PERMIT,
  session: PREFIX_SESSION,
  state: PREFIX_STATE,
  measured: PREFIX_MEASURED,
};

export function protectedHeaderOf(purpose: SignaturePurpose) {
  return { alg: "Ed25519", b64: false, crit: ["b64"], typ: `flipside-${purpose}+jws` };
}

/** The 64 signature bytes over `payload` for `purpose`. */
export async function sign(privateJwk: JWK, purpose: SignaturePurpose, payload: Uint8Array): Promise<Uint8Array> {
  const key = await importJWK(privateJwk, "Ed25519");
  const jws = await new FlattenedSign(payload).setProtectedHeader(protectedHeaderOf(purpose)).sign(key);
  return fromBase64Url(jws.signature);
}

/** A signature block over `payload` by each of the keys, in their order. */
export async function signBlock(
  privateJwks: JWK[],
  purpose: SignaturePurpose,
  payload: Uint8Array,
): Promise<Uint8Array> {
  const entries = await Promise.all(
    privateJwks.map(async (jwk) => ({
      keyId: await keyIdOf(signingKeyFromJwk(jwk).publicKey),
      signature: await sign(jwk, purpose, payload),
    })),
  );
  return encodeSignatureBlock(entries);
}

export interface SignatureEntry {
  keyId: Uint8Array;
  signature: Uint8Array;
}

/** The entries of a block whose form was checked. */
export const decodeSignatureBlock = (block: Uint8Array): SignatureEntry[] =>
  Array.from({ length: signatureCount(block, 0) }, (_, i) => {
    const [id, signature] = [signatureKeyIdOffset(0, i), signatureOffset(0, i)];
    return {
      keyId: block.slice(id, id + KEY_ID_BYTES),
      signature: block.slice(signature, signature + SIGNATURE_BYTES),
    };
  });

export function encodeSignatureBlock(entries: SignatureEntry[]): Uint8Array {
  if (entries.length < 1 || entries.length > SIGNATURES_MAX)
    throw new RangeError(`1 to ${SIGNATURES_MAX} signatures, not ${entries.length}`);
  const block = new Uint8Array(SIGNATURE_BLOCK_PREFIX_BYTES + entries.length * SIGNATURE_ENTRY_BYTES);
  writeU32(block, 0, SIGNATURE_BLOCK_MAGIC);
  writeU16(block, 4, 1);
  writeU16(block, 6, block.length);
  writeU16(block, 8, entries.length);
  entries.forEach(({ keyId, signature }, i) => {
    const at = SIGNATURE_BLOCK_PREFIX_BYTES + i * SIGNATURE_ENTRY_BYTES;
    block.set(keyId, at);
    block.set(signature, at + KEY_ID_BYTES);
  });
  return block;
}

/** In place of a key's id where nobody has signed. */
export const noKeyId = new Uint8Array(KEY_ID_BYTES);

/** A block needs an entry: of what waits for its signature, one of zeros, which verifies under no key. */
export const unsignedBlock = (): Uint8Array =>
  encodeSignatureBlock([{ keyId: noKeyId, signature: new Uint8Array(SIGNATURE_BYTES) }]);
