// How large a packet may be on its way to a destination (RFC 1191), as far as it is known to be less than the link
// takes. One value for both directions: what we send is cut to it, and the peer is asked by the MSS option not to send
// more.

import { arm, due } from "./clock";
import { Counter, count } from "./counters";
import { mtu } from "./link";

/** As Linux has it: who claims less than that is not believed; packets of this size may be fragmented instead. */
export const PATH_MTU_MIN: u32 = 552;
/** What nearly every tunnel takes: the first guess where packets vanish and nobody says why. */
const PATH_MTU_GUESS: u32 = 1280;

// Entry:  destination 0..4 | MTU 4..8 | deadline 8..12 (0: free), after which larger packets are tried again
const ENTRY_BYTES: usize = 12;
const cache: usize = memory.data(48);
const cacheEnd: usize = cache + 48;
const MTU: usize = 4;
const DEADLINE: usize = 8;

export function pathMtu(destination: u32): u32 {
  for (let e = cache; e < cacheEnd; e += ENTRY_BYTES) {
    if (load<u32>(e) == destination && load<u32>(e, DEADLINE) != 0) return min(load<u32>(e, MTU), mtu);
  }
  return mtu;
}

/**
 * Packets to `destination` are `newMtu` bytes at most, for so long. Of others the entry nearest to its end gives way.
 */
export function narrowPath(destination: u32, newMtu: u32, ticks: u32): void {
  count(Counter.PathsNarrowed);
  const deadline = arm(ticks);
  let best = cache;
  for (let e = cache; e < cacheEnd; e += ENTRY_BYTES) {
    if (load<u32>(e) == destination || load<u32>(e, DEADLINE) == 0) {
      best = e;
      if (load<u32>(e) == destination) break;
    } else if (load<u32>(best, DEADLINE) != 0 && <i32>(load<u32>(e, DEADLINE) - load<u32>(best, DEADLINE)) < 0)
      best = e;
  }
  store<u32>(best, destination);
  store<u32>(best, max(newMtu, PATH_MTU_MIN), MTU);
  store<u32>(best, deadline, DEADLINE);
}

/** Large packets vanish on the way, and nobody says why (RFC 4821, in its simplest form). */
export function guessPath(destination: u32, ticks: u32): void {
  const known = pathMtu(destination);
  if (known > PATH_MTU_MIN) narrowPath(destination, known > PATH_MTU_GUESS ? PATH_MTU_GUESS : PATH_MTU_MIN, ticks);
}

/** Frees what ran out: larger packets are tried again. */
export function pollPaths(): void {
  for (let e = cache; e < cacheEnd; e += ENTRY_BYTES) if (due(load<u32>(e, DEADLINE))) store<u32>(e, 0, DEADLINE);
}
