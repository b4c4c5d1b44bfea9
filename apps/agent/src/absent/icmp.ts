// In place of net/icmp.ts in a build without icmp (build/features.ts): no ping is answered, and a path that takes only
// smaller packets is found out by silence alone.

import { Counter, count } from "../net/counters";

export function receiveIcmp(_p: usize, _lengthBytes: u32, _source: u32): void {
  count(Counter.DroppedIcmp);
}
