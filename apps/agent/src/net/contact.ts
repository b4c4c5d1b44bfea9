// Whether anybody out there still answers. Connections tell; DHCP listens: an address that nobody can be reached from
// is perhaps of a network that this machine is not in any more.

import { arm, due, Ticks } from "./clock";
import { nextRouter } from "./link";

/** From the first attempt that failed. */
const DOUBT_TICKS: u32 = 120 * Ticks.Second;

let doubtAt: u32 = 0;
let isHeard: bool = false;

/** A peer that we connected to has answered. */
export function heardFromPeer(): void {
  isHeard = true;
  doubtAt = 0;
}

/** A connection ended without an answer, was not made, or its name was not found. */
export function lostContact(): void {
  // RFC 1122 §3.3.1.4: perhaps it is the router.
  nextRouter();
  if (doubtAt == 0) doubtAt = arm(DOUBT_TICKS);
}

/** Whether nobody has answered for minutes though somebody was called. True once for each such time. */
export function takeDoubt(): bool {
  if (!due(doubtAt)) return false;
  doubtAt = 0;
  isHeard = false;
  return true;
}

/** Whether a peer has answered since `takeDoubt` was true. */
export function isContactBack(): bool {
  return isHeard;
}
