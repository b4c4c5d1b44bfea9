// The trust record in flash: two copies, one to a sector. The newest whose whole chain holds, from the boot bank's roots
// on, says which keys may sign what.

import { ED25519_A_NOT_CANONICAL, ED25519_A_SMALL_ORDER, ED25519_R_NOT_CANONICAL, ED25519_R_SMALL_ORDER, ED25519_S_NOT_CANONICAL, ED25519_VALID, ed25519VerifyParts, sha256 } from "../crypto";
import { rootKeys, Zone } from "../exokernel";
import { FlashZone } from "../flash";
import {
  ErrorCode,
  KEY_ID_BYTES,
  parseTrustChain,
  parseTrustLink,
  PREFIX_TRUST,
  PUBLIC_KEY_BYTES,
  signatureCount,
  signatureKeyIdOffset,
  signatureOffset,
  TRUST_CHAIN_BYTES_MAX,
  TRUST_CHAIN_PREFIX_BYTES,
  trustChainBytes,
  TrustLink,
} from "../format";
import { asciiBytes } from "../text/constant";

const ROOT_KEYS_MAX: i32 = 8;

const keyHash: usize = memory.data(32);
const trustPrefix: usize = asciiBytes(PREFIX_TRUST);

/** Which ErrorCode a verdict of the strict verifier is. */
export function signatureError(verdict: i32): i32 {
  if (verdict == ED25519_VALID) return ErrorCode.None;
  if (verdict == ED25519_S_NOT_CANONICAL || verdict == ED25519_A_NOT_CANONICAL || verdict == ED25519_R_NOT_CANONICAL)
    return ErrorCode.SignatureNotCanonical;
  if (verdict == ED25519_A_SMALL_ORDER || verdict == ED25519_R_SMALL_ORDER) return ErrorCode.SignatureSmallOrder;
  return ErrorCode.SignatureMismatch;
}

/**
 * Whether at least `threshold` of `keyCount` different public keys at `keys` signed prefix ‖ body, by the signature block
 * at `blockOffset` of `bytes` (parsed before). ErrorCode.None, or why the first signature by a known key was refused, or
 * SignatureUnknownKey.
 */
export function checkSignatures(
  prefix: usize, prefixBytes: i32, body: usize, bodyBytes: i32,
  bytes: Uint8Array, blockOffset: i32, keys: usize, keyCount: i32, threshold: i32,
): i32 {
  let signedBy: u32 = 0; // one bit a key: a key that signed twice counts once
  let valid: i32 = 0;
  let firstError: i32 = ErrorCode.SignatureUnknownKey;
  const count = signatureCount(bytes, blockOffset);
  for (let i: i32 = 0; i < count; i++) {
    const keyId = bytes.dataStart + signatureKeyIdOffset(blockOffset, i);
    const signature = bytes.dataStart + signatureOffset(blockOffset, i);
    for (let k: i32 = 0; k < keyCount; k++) {
      if ((signedBy >> k) & 1) continue;
      const key = keys + k * PUBLIC_KEY_BYTES;
      sha256(key, PUBLIC_KEY_BYTES, keyHash);
      if (memory.compare(keyHash, keyId, KEY_ID_BYTES) != 0) continue;
      const code = signatureError(ed25519VerifyParts(key, signature, prefix, prefixBytes, body, bodyBytes));
      if (code == ErrorCode.None) {
        signedBy |= 1 << k;
        if (++valid >= threshold) return ErrorCode.None;
      } else if (firstError == ErrorCode.SignatureUnknownKey) {
        firstError = code;
      }
    }
  }
  return firstError;
}

export class TrustStore {
  trustVersion: u32 = 0;
  releaseKeys: usize = 0;
  releaseKeyCount: i32 = 0;

  private zone: FlashZone = new FlashZone(Zone.Trust);
  private bytes: Uint8Array = new Uint8Array(TRUST_CHAIN_BYTES_MAX);
  private roots: Uint8Array = new Uint8Array(ROOT_KEYS_MAX * PUBLIC_KEY_BYTES);
  private link: TrustLink = new TrustLink();

  /** Loads the newest copy that holds. ErrorCode.None or TrustRecordInvalid. */
  load(): i32 {
    if (this.zone.open() < 0) return ErrorCode.TrustRecordInvalid;
    let best: i32 = -1;
    let bestVersion: u32 = 0;
    for (let copy: i32 = 0; copy < 2; copy++) {
      if (this.readCopy(copy) == ErrorCode.None && this.link.trustVersion > bestVersion) {
        best = copy;
        bestVersion = this.link.trustVersion;
      }
    }
    if (best < 0) return ErrorCode.TrustRecordInvalid;
    if (best == 0 && this.readCopy(0) != ErrorCode.None) return ErrorCode.TrustRecordInvalid;
    this.trustVersion = this.link.trustVersion;
    this.releaseKeys = this.bytes.dataStart + this.link.releaseKeysOffset;
    this.releaseKeyCount = this.link.releaseCount;
    return ErrorCode.None;
  }

  /** Reads one copy and checks its chain; `link` is then its newest link. */
  private readCopy(copy: u32): i32 {
    const bytes = this.bytes;
    const length = min<u32>(TRUST_CHAIN_BYTES_MAX, this.zone.sectorBytes);
    if (this.zone.read(copy * this.zone.sectorBytes, bytes.dataStart, length) < 0) return ErrorCode.TrustRecordInvalid;
    const links = parseTrustChain(bytes, 0, length);
    if (links < 0) return ErrorCode.TrustRecordInvalid;
    const end = trustChainBytes(bytes, 0);
    const rootCount = rootKeys(this.roots.dataStart, this.roots.length);
    if (rootCount <= 0) return ErrorCode.TrustRecordInvalid;

    let keys = this.roots.dataStart;
    let keyCount = rootCount;
    let threshold = rootCount / 2 + 1; // a majority of the boot bank's roots signs link 1
    let at: i32 = TRUST_CHAIN_PREFIX_BYTES;
    for (let i: i32 = 0; i < links; i++) {
      const link = this.link;
      if (parseTrustLink(bytes, at, end, link) != ErrorCode.None || link.trustVersion != <u32>i + 1) return ErrorCode.TrustRecordInvalid;
      const body = bytes.dataStart + link.bodyOffset;
      const code = checkSignatures(trustPrefix, PREFIX_TRUST.length, body, link.bodyBytes, bytes, link.blockOffset, keys, keyCount, threshold);
      if (code != ErrorCode.None) return ErrorCode.TrustRecordInvalid;
      keys = bytes.dataStart + link.rootKeysOffset;
      keyCount = link.rootCount;
      threshold = link.rootThreshold;
      at = link.nextOffset;
    }
    return at == end ? ErrorCode.None : ErrorCode.TrustRecordInvalid;
  }
}
