// Whether a permit holds, as the update agent asks; the permit ends where memory does. AssemblyScript.

import { loadFactoryRecord } from "../../../apps/agent/src/identity/factory";
import { TrustChain } from "../../../apps/agent/src/trust/trust-chain";
import { permitHolds } from "../../../apps/agent/src/update/permit";

const trust = new TrustChain();
/** A view whose buffer is set for each run. */
const permit = changetype<Uint8Array>(heap.alloc(offsetof<Uint8Array>()));
/** Of the image that is to be installed. */
export const digest: usize = memory.data(32);

/** Identity from flash, and a trust chain; 0, or what is wrong. */
export function setUp(chain: usize, length: u32): i32 {
  if (!loadFactoryRecord()) return -1;
  memory.copy(trust.bytes.dataStart, chain, length);
  return trust.check(length);
}

export function holds(ptr: usize, length: i32): bool {
  store<usize>(changetype<usize>(permit), ptr, offsetof<Uint8Array>("dataStart"));
  store<i32>(changetype<usize>(permit), length, offsetof<Uint8Array>("byteLength"));
  return permitHolds(permit, length, digest, trust);
}
