// Who can reach what listens on an address, in words for a person.

import { isIPv4 } from "node:net";

/** Addresses that mean all of this machine's. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** Whether nobody but this machine itself reaches it (RFC 1122 3.2.1.3, RFC 4291 2.5.3). */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}

/** For example "only this machine". Nothing here speaks TLS. */
export function whoReaches(host: string): string {
  if (isLoopback(host)) return "only this machine";
  return isWildcard(host) ? "anyone on this machine's networks, in clear" : `anyone who reaches ${host}, in clear`;
}
