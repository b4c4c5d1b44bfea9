// Who signed what: a signature block against a list of keys, by the strict verifier.

import { compareBytes } from "../compare";
import {
  ED25519_A_NOT_CANONICAL,
  ED25519_A_SMALL_ORDER,
  ED25519_R_NOT_CANONICAL,
  ED25519_R_SMALL_ORDER,
  ED25519_S_NOT_CANONICAL,
  ED25519_VALID,
  ed25519VerifyParts,
  sha256,
} from "../crypto";
import { Evidence } from "../evidence";
import {
  ErrorCode,
  KEY_ID_BYTES,
  PUBLIC_KEY_BYTES,
  signatureCount,
  signatureKeyIdOffset,
  signatureOffset,
} from "../format";

const keyHash: usize = memory.data(32);
/** Of those who decide by the answer alone. */
const unheeded = new Evidence();

/** Which ErrorCode a verdict of the strict verifier is. */
export function signatureError(verdict: i32): i32 {
  if (verdict == ED25519_VALID) return ErrorCode.None;
  if (verdict == ED25519_S_NOT_CANONICAL || verdict == ED25519_A_NOT_CANONICAL || verdict == ED25519_R_NOT_CANONICAL)
    return ErrorCode.SignatureNotCanonical;
  if (verdict == ED25519_A_SMALL_ORDER || verdict == ED25519_R_SMALL_ORDER) return ErrorCode.SignatureSmallOrder;
  return ErrorCode.SignatureMismatch;
}

/**
 * Whether at least `threshold` of `keyCount` different public keys at `keys` signed prefix ‖ body, by the signature
 * block at `blockOffset` of `bytes` (parsed before). ErrorCode.None, or why the first signature by a known key was
 * refused; SignaturesTooFew where none was, and some hold; or SignatureUnknownKey. `evidence` gets one step of it.
 */
export function checkSignatures(
  prefix: usize,
  prefixBytes: i32,
  body: usize,
  bodyBytes: i32,
  bytes: Uint8Array,
  blockOffset: i32,
  keys: usize,
  keyCount: i32,
  threshold: i32,
  evidence: Evidence = unheeded,
): i32 {
  let signedBy: u32 = 0; // one bit a key: a key that signed twice counts once
  let valid: i32 = 0;
  let verdicts: u32 = 0;
  let firstError: i32 = ErrorCode.SignatureUnknownKey;
  const count = signatureCount(bytes, blockOffset);
  for (let i: i32 = 0; i < count; i++) {
    const keyId = bytes.dataStart + signatureKeyIdOffset(blockOffset, i);
    const signature = bytes.dataStart + signatureOffset(blockOffset, i);
    for (let k: i32 = 0; k < keyCount; k++) {
      if ((signedBy >> k) & 1) continue;
      const key = keys + k * PUBLIC_KEY_BYTES;
      sha256(key, PUBLIC_KEY_BYTES, keyHash);
      if (compareBytes(keyHash, keyId, KEY_ID_BYTES) != 0) continue;
      const verdict = ed25519VerifyParts(key, signature, prefix, prefixBytes, body, bodyBytes);
      const code = signatureError(verdict);
      if (code == ErrorCode.None) {
        signedBy |= 1 << k;
        verdicts |= verdict ^ ED25519_VALID;
        if (++valid >= threshold) {
          evidence.add(verdicts | (popcnt(signedBy) ^ threshold) | (signedBy >> keyCount), 1);
          return ErrorCode.None;
        }
      } else if (firstError == ErrorCode.SignatureUnknownKey) {
        firstError = code;
      }
    }
  }
  return valid > 0 && firstError == ErrorCode.SignatureUnknownKey ? ErrorCode.SignaturesTooFew : firstError;
}
