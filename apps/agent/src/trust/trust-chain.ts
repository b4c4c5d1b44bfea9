// A trust chain in memory: whether it holds, link by link from the boot bank's roots on, and what its newest link says.

import { Evidence } from "../evidence";
import { rootKeys } from "../exokernel";
import {
  ErrorCode,
  parseTrustChain,
  parseTrustLink,
  PREFIX_TRUST,
  PUBLIC_KEY_BYTES,
  TRUST_CHAIN_BYTES_MAX,
  TRUST_CHAIN_PREFIX_BYTES,
  TRUST_KEYS_MAX,
  trustChainBytes,
  TrustLink,
} from "../format";
import { asciiBytes } from "../text/constant";
import { checkSignatures } from "./signatures";

const ROOT_KEYS_MAX: i32 = 8;
const NEVER: i32 = <i32>TRUST_KEYS_MAX + 1;

const roots: usize = memory.data(256);
const trustPrefix: usize = asciiBytes(PREFIX_TRUST);

export class TrustChain {
  readonly bytes: Uint8Array = new Uint8Array(TRUST_CHAIN_BYTES_MAX);
  /** Of the chain that was checked last; none when it did not hold. */
  chainBytes: u32 = 0;
  trustVersion: u32 = 0;
  releaseKeys: usize = 0;
  releaseKeyCount: i32 = 0;
  /** How many of them have to sign; without a chain more than there can be. */
  releaseThreshold: i32 = NEVER;
  operationsKeys: usize = 0;
  operationsKeyCount: i32 = 0;
  /** Of the chain that is, or was, looked at. */
  readonly evidence: Evidence = new Evidence();
  private link: TrustLink = new TrustLink();

  /** No chain, no keys. */
  forget(): void {
    this.chainBytes = 0;
    this.trustVersion = 0;
    this.releaseKeyCount = 0;
    this.releaseThreshold = NEVER;
    this.operationsKeyCount = 0;
  }

  /** 0 when as many roots as have to have signed each link of the chain that holds. */
  lacking(): u32 {
    return this.evidence.lacking(parseTrustChain(this.bytes, 0, this.chainBytes));
  }

  /** Checks the chain at the start of `bytes`, of which `available` count. ErrorCode.None or TrustRecordInvalid. */
  check(available: i32): i32 {
    this.forget();
    this.evidence.begin();
    const bytes = this.bytes;
    const links = parseTrustChain(bytes, 0, available);
    if (links < 0) return ErrorCode.TrustRecordInvalid;
    const end = trustChainBytes(bytes, 0);
    const rootCount = rootKeys(roots, ROOT_KEYS_MAX * PUBLIC_KEY_BYTES);
    if (rootCount <= 0) return ErrorCode.TrustRecordInvalid;

    const link = this.link;
    let keys = roots;
    let keyCount = rootCount;
    let threshold = rootCount / 2 + 1; // a majority of the boot bank's roots signs link 1
    let at: i32 = TRUST_CHAIN_PREFIX_BYTES;
    for (let i: i32 = 0; i < links; i++) {
      if (parseTrustLink(bytes, at, end, link) != ErrorCode.None || link.trustVersion != <u32>i + 1)
        return ErrorCode.TrustRecordInvalid;
      const body = bytes.dataStart + link.bodyOffset;
      const code = checkSignatures(
        trustPrefix,
        PREFIX_TRUST.length,
        body,
        link.bodyBytes,
        bytes,
        link.blockOffset,
        keys,
        keyCount,
        threshold,
        this.evidence,
      );
      if (code != ErrorCode.None) return ErrorCode.TrustRecordInvalid;
      keys = bytes.dataStart + link.rootKeysOffset;
      keyCount = link.rootCount;
      threshold = link.rootThreshold;
      at = link.nextOffset;
    }
    if (at != end) return ErrorCode.TrustRecordInvalid;
    this.chainBytes = end;
    this.trustVersion = link.trustVersion;
    this.releaseKeys = bytes.dataStart + link.releaseKeysOffset;
    this.releaseKeyCount = link.releaseCount;
    this.releaseThreshold = link.releaseThreshold;
    this.operationsKeys = bytes.dataStart + link.operationsKeysOffset;
    this.operationsKeyCount = link.operationsCount;
    return ErrorCode.None;
  }
}
