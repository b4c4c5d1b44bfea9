// In place of net/dns-client.ts in a build without dns (build/features.ts): a server is named by its address.

import { Errno } from "../exokernel";
import { parseAddress } from "../net/wire/ipv4";

export let found: u32 = 0;
export const hasOther: bool = false;

export function openDns(): void {}

export function setNameServers(_first: u32, _second: u32, _third: u32): void {}

/** As net/dns-client.ts has it: 1 with the address in `found`, or Errno.Absent where it is no address. */
export function lookup(host: usize, hostBytes: u32): i32 {
  found = parseAddress(host, hostBytes);
  return found == 0 ? Errno.Absent : 1;
}

/** False: there is no other address to try. */
export function addressFailed(_address: u32): bool {
  return false;
}

export function pollDns(): void {}

export function receiveDns(_source: u32, _destinationPort: u32, _p: usize, _lengthBytes: u32): void {}

export function queryUnreachable(_server: u32, _sourcePort: u32): bool {
  return false;
}
