// In place of net/dhcp-client.ts in a build without dhcp (build/features.ts): the address is one that the build was
// told.

import { announce } from "../net/arp-cache";
import { setNameServers } from "../net/dns-client";
import { addRouter, configure } from "../net/link";
import { ADDRESS, MASK, NAME_SERVER, ROUTER } from "../net/static-address";

export function startDhcp(): void {
  configure(ADDRESS, MASK);
  addRouter(ROUTER);
  setNameServers(NAME_SERVER, 0, 0);
  announce();
}

export function stopDhcp(): void {}

export function isBinding(): bool {
  return false;
}

export function pollDhcp(): void {}

export function receiveDhcp(_p: usize, _lengthBytes: u32): void {}
