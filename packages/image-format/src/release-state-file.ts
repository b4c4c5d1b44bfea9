// Release states: a release key's word for which release is the newest (portable/release-state.ts).

import { FormatError } from "./format-error.ts";
import { keyIdOf } from "./keys.ts";
import { readU32, writeU16, writeU32 } from "./portable/bytes.ts";
import { ErrorCode } from "./portable/error-codes.ts";
import * as S from "./portable/release-state.ts";
import { parseSignatureBlock, SIGNATURES_MAX } from "./portable/signature-block.ts";
import type { Signer } from "./sign-image.ts";
import { encodeSignatureBlock, type SignatureEntry } from "./signing.ts";
import type { StrictVerifier } from "./strict-verifier.ts";
import { checkSignatureBlock } from "./verify-image.ts";

export interface ReleaseState {
  product: string;
  /** For people. */
  version: string;
  releaseSequence: number;
  /** Seconds since 1970, each up to 2106. */
  issuedS: number;
  validUntilS: number;
}

const name = /^[\x21-\x7e]{1,32}$/;

/** Throws RangeError where a device would not take it. */
function encodeBody(state: ReleaseState): Uint8Array {
  const { product, version, releaseSequence, issuedS, validUntilS } = state;
  if (!name.test(product) || !name.test(version))
    throw new RangeError("product and version have 1 to 32 characters of ASCII without space");
  const body = new Uint8Array(S.RELEASE_STATE_BODY_BYTES);
  writeU32(body, 0, S.RELEASE_STATE_MAGIC);
  writeU16(body, 4, 1);
  writeU16(body, 6, body.length);
  writeU32(body, S.RELEASE_STATE_ISSUED_OFFSET, issuedS);
  writeU32(body, S.RELEASE_STATE_UNTIL_OFFSET, validUntilS);
  writeU32(body, S.RELEASE_STATE_SEQUENCE_OFFSET, releaseSequence);
  body.set([product.length, version.length], S.RELEASE_STATE_PRODUCT_BYTES_OFFSET);
  body.set(new TextEncoder().encode(product), S.RELEASE_STATE_PRODUCT_OFFSET);
  body.set(new TextEncoder().encode(version), S.RELEASE_STATE_VERSION_OFFSET);
  const isWhole = [issuedS, validUntilS, releaseSequence].every(
    (number) => Number.isInteger(number) && number >= 0 && number <= 0xffff_ffff,
  );
  if (!isWhole || !S.isReleaseStateBody(body, 0, body.length))
    throw new RangeError("a release state has a sequence from 1 on, and ends after it was issued, before 2106");
  return body;
}

/** Signed by each of the signers, in their order. */
export async function buildReleaseState(state: ReleaseState, signers: readonly Signer[]): Promise<Uint8Array> {
  const body = encodeBody(state);
  const entries: SignatureEntry[] = [];
  for (const signer of signers)
    entries.push({ keyId: await keyIdOf(signer.publicKey), signature: await signer.sign(body, "state") });
  const block = encodeSignatureBlock(entries);
  const file = new Uint8Array(body.length + block.length);
  file.set(body);
  file.set(block, body.length);
  return file;
}

export const isReleaseStateFile = (bytes: Uint8Array): boolean =>
  bytes.length >= S.RELEASE_STATE_BODY_BYTES && readU32(bytes, 0) === S.RELEASE_STATE_MAGIC;

/** What it says; whether anybody signed it is verifyReleaseState. Throws FormatError. */
export function readReleaseState(bytes: Uint8Array): ReleaseState {
  const { length } = bytes;
  const blockBytes = parseSignatureBlock(bytes, S.RELEASE_STATE_BODY_BYTES, length - S.RELEASE_STATE_BODY_BYTES);
  if (!S.isReleaseStateBody(bytes, 0, length) || blockBytes !== length - S.RELEASE_STATE_BODY_BYTES)
    throw new FormatError(
      ErrorCode.SignatureBlockMalformed,
      `the file is no release state: a body of ${S.RELEASE_STATE_BODY_BYTES} bytes, and 1 to ${SIGNATURES_MAX} signatures`,
    );
  const text = (at: number, size: number): string => String.fromCharCode(...bytes.subarray(at, at + size));
  const state = {
    product: text(S.RELEASE_STATE_PRODUCT_OFFSET, bytes[S.RELEASE_STATE_PRODUCT_BYTES_OFFSET]!),
    version: text(S.RELEASE_STATE_VERSION_OFFSET, bytes[S.RELEASE_STATE_VERSION_BYTES_OFFSET]!),
    releaseSequence: readU32(bytes, S.RELEASE_STATE_SEQUENCE_OFFSET),
    issuedS: readU32(bytes, S.RELEASE_STATE_ISSUED_OFFSET),
    validUntilS: readU32(bytes, S.RELEASE_STATE_UNTIL_OFFSET),
  };
  if (!name.test(state.product) || !name.test(state.version))
    throw new FormatError(ErrorCode.HeaderMalformed, "a release state's names are ASCII without space");
  return state;
}

/** The same, signed by one of the release keys. Throws FormatError. */
export async function verifyReleaseState(
  bytes: Uint8Array,
  releaseKeys: Uint8Array[],
  verifier: StrictVerifier,
): Promise<ReleaseState> {
  const state = readReleaseState(bytes);
  const body = bytes.subarray(0, S.RELEASE_STATE_BODY_BYTES);
  const block = bytes.subarray(S.RELEASE_STATE_BODY_BYTES);
  const code = await checkSignatureBlock(verifier, "state", body, block, releaseKeys);
  if (code !== ErrorCode.None) throw new FormatError(code, "no signature by a release key of this project holds");
  return state;
}
