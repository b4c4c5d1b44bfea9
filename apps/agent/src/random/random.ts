// The device's random numbers: a DRBG over what the machine's noise source gives, the device key and the boot counter.
// With a source that is missing, stuck or broken, numbers still differ from boot to boot, and can't be told without the
// key. Nothing waits for the source longer than one call of the exokernel does.

import { sha256Final, sha256Init, sha256Update, SHA256_CONTEXT_BYTES } from "../crypto";
import { clockUs, entropy } from "../exokernel";
import { noiseIsHealthy } from "./health-tests";
import { drbgGenerate, drbgInstantiate, drbgUpdate } from "./hmac-drbg";

export namespace EntropyState {
  export const Good: u32 = 0;
  /** It gave what no noise source gives: not believed again until the next boot. */
  export const FailedHealth: u32 = 1;
  /** There is none, or it doesn't answer. */
  export const Absent: u32 = 2;
}

/** SP 800-90B, 4.3: the tests at the start see at least 1024 samples. */
const START_READS: u32 = 4;
const READ_BYTES: u32 = 256;
const REFRESH_US: i64 = 60_000_000;
/**
 * A source that did not answer may only be slow, on a busy host above all: asked again soon, and then ever less often.
 */
const RETRY_US: i64 = 1_000_000;
const KEY_BYTES: u32 = 32;

/** u8[32] conditioned noise, u64 clock, u32 boot counter, u8[32] device key */
const SEED_BYTES: u32 = 76;
const CLOCK: u32 = 32;
const BOOT_COUNTER: u32 = 40;
const KEY: u32 = 44;
const seed: usize = memory.data(76, 8);
const noise: usize = memory.data(256);
const context: usize = heap.alloc(SHA256_CONTEXT_BYTES);

export let entropyState: u32 = EntropyState.Absent;
let isKeyed: bool = false;
let isSeeded: bool = false;
let refreshUs: i64 = REFRESH_US;
let retryUs: i64 = RETRY_US;

/** Once, before anything is drawn. */
export function seedRandom(deviceKey: usize, bootCounter: u32): void {
  memory.copy(seed + KEY, deviceKey, KEY_BYTES);
  store<u32>(seed + BOOT_COUNTER, bootCounter);
  isKeyed = true;
  instantiate();
}

/** Fills `length` bytes. False only where there is neither a noise source nor a device key, as in tests of parts. */
export function randomBytes(out: usize, length: u32): bool {
  if (!isSeeded) instantiate();
  if (!isSeeded) return false;
  drbgGenerate(out, length);
  return true;
}

/** Mixes in what others chose: the same state never answers two different questions alike. */
export function mixIntoRandom(ptr: usize, length: u32): void {
  drbgUpdate(ptr, length);
}

/**
 * Takes fresh noise once a minute, and so tests the source while the device runs. True when it is in another state now.
 */
export function refreshRandom(nowUs: i64): bool {
  if (nowUs < refreshUs) return false;
  const before = entropyState;
  collect(before == EntropyState.Absent ? START_READS : 1);
  drbgUpdate(seed, BOOT_COUNTER);
  scheduleRefresh(nowUs);
  return entropyState != before;
}

function scheduleRefresh(nowUs: i64): void {
  if (entropyState == EntropyState.Absent) {
    refreshUs = nowUs + retryUs;
    retryUs = min(2 * retryUs, REFRESH_US);
  } else {
    refreshUs = nowUs + REFRESH_US;
    retryUs = RETRY_US;
  }
}

function instantiate(): void {
  collect(START_READS);
  scheduleRefresh(clockUs());
  isSeeded = isKeyed || entropyState == EntropyState.Good;
  drbgInstantiate(seed, SEED_BYTES);
}

/**
 * Reads the source, tests what comes, and conditions it with SHA-256. What fails is mixed in all the same: it can't
 * hurt.
 */
function collect(reads: u32): void {
  let state = entropyState == EntropyState.FailedHealth ? EntropyState.FailedHealth : EntropyState.Good;
  sha256Init(context);
  for (; reads > 0; reads--) {
    if (entropy(noise, READ_BYTES) < 0) {
      if (state == EntropyState.Good) state = EntropyState.Absent;
      break;
    }
    if (!noiseIsHealthy(noise, READ_BYTES)) state = EntropyState.FailedHealth;
    sha256Update(context, noise, READ_BYTES);
  }
  sha256Final(context, seed);
  memory.fill(noise, 0, READ_BYTES);
  store<i64>(seed + CLOCK, clockUs());
  entropyState = state;
}
