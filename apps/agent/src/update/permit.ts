// Whether a permit lets an older image be installed on this device.

import { compareBytes } from "../compare";
import { sha256 } from "../crypto";
import { PREFIX_PERMIT } from "../agent-format";
import {
  DIGEST_BYTES,
  ErrorCode,
  isPermitBody,
  parseSignatureBlock,
  PERMIT_BODY_BYTES,
  PERMIT_DEVICE_OFFSET,
  PERMIT_DIGEST_OFFSET,
  permitIsForAnyDevice,
} from "../format";
import { deviceIdBytes, deviceIdPtr } from "../identity/factory";
import { asciiBytes } from "../text/constant";
import { checkSignatures } from "../trust/signatures";
import { TrustChain } from "../trust/trust-chain";

const prefix: usize = asciiBytes(PREFIX_PERMIT);
const digest: usize = memory.data(32);

/** `length` bytes of `bytes` are the permit; `imageDigest` is what is to be installed. */
export function permitHolds(bytes: Uint8Array, length: i32, imageDigest: usize, trust: TrustChain): bool {
  if (!isPermitBody(bytes, 0, length)) return false;
  const block = parseSignatureBlock(bytes, PERMIT_BODY_BYTES, length - PERMIT_BODY_BYTES);
  if (block < 0 || PERMIT_BODY_BYTES + block != length) return false;
  const body = bytes.dataStart;
  if (compareBytes(body + PERMIT_DIGEST_OFFSET, imageDigest, DIGEST_BYTES) != 0) return false;
  if (!permitIsForAnyDevice(bytes, 0)) {
    sha256(deviceIdPtr(), deviceIdBytes(), digest);
    if (compareBytes(body + PERMIT_DEVICE_OFFSET, digest, DIGEST_BYTES) != 0) return false;
  }
  const code = checkSignatures(
    prefix,
    PREFIX_PERMIT.length,
    body,
    PERMIT_BODY_BYTES,
    bytes,
    PERMIT_BODY_BYTES,
    trust.releaseKeys,
    trust.releaseKeyCount,
    trust.releaseThreshold,
  );
  return code == ErrorCode.None;
}
