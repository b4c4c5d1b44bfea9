// Finding devices by what an operator would type. Pure: the server's list and the console's field find the same.

import type { Deployment, Device } from "./types.ts";

/** As much of a device as it is found by. */
export type Searched = Pick<Device, "id" | "product" | "hardware" | "running" | "revoked" | "online" | "health"> & {
  activeDeployment: Pick<Deployment, "state" | "version"> | null;
};

/** The words that a device is found by. */
function termsOf(device: Searched): string {
  return [
    device.id,
    device.product,
    device.hardware,
    device.running?.version,
    device.running?.digest,
    device.running && `slot-${device.running.slot}`,
    device.revoked ? "revoked" : device.online ? "online" : "offline",
    device.health,
    device.activeDeployment?.state,
    device.activeDeployment?.version,
  ]
    .filter((term) => term !== null && term !== undefined)
    .map((term) => ` ${term.toLowerCase()}`)
    .join("");
}

/**
 * Whether a device has every word of the query. A word may stand anywhere in an id or name, but states are matched from
 * their start, so that `healthy` does not find `unhealthy`.
 */
export function matchesQuery(device: Searched, query: string): boolean {
  const terms = termsOf(device);
  const names = `${device.id}\n${device.product ?? ""}\n${device.hardware ?? ""}`.toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "")
    .every((word) => terms.includes(` ${word}`) || names.includes(word));
}
