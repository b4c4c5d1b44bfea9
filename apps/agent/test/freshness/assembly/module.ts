// What a device makes of release states, on a device whose state the caller sets. AssemblyScript.

import { BootState } from "../../../src/boot-state";
import { clockUs } from "../../../src/exokernel";
import { loadFactoryRecord } from "../../../src/identity/factory";
import { JsonReader } from "../../../src/json/reader";
import { TrustStore } from "../../../src/trust/trust-store";
import { Freshness } from "../../../src/update/freshness";

export { abort } from "../../../src/abort";

const boot = new BootState();
const trust = new TrustStore();
const reader = new JsonReader();
const freshness = new Freshness(boot, trust, reader);

/** Identity from flash, a trust chain, and what runs; 0, or what is wrong. */
export function setUp(chain: usize, length: u32, runningSequence: u32): i32 {
  if (!loadFactoryRecord()) return -1;
  boot.running.header.releaseSequence = runningSequence;
  memory.copy(trust.bytes.dataStart, chain, length);
  return trust.check(length);
}

export function sessionProven(): void {
  freshness.onSessionProven();
}

/** -1 when the message is no JSON. */
export function offer(ptr: usize, length: u32): i32 {
  if (reader.open(ptr, length) != 0) return -1;
  freshness.onOffer(clockUs());
  return 0;
}

export function offered(sequence: u32): void {
  freshness.onOffered(sequence);
}

export const words: usize = memory.data(32);

/** Characters of the warning, one to a byte at `words`. */
export function warning(): u32 {
  const text = freshness.warning();
  for (let i = 0; i < text.length; i++) store<u8>(words + i, text.charCodeAt(i));
  return text.length;
}

export function issued(): u32 {
  return freshness.issuedS;
}
export function until(): u32 {
  return freshness.untilS;
}
export function sequence(): u32 {
  return freshness.releaseSequence;
}
