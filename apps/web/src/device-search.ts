// Finding devices by what an operator would type. Pure. The server has the same (features/devices/search.ts); their tests
// share the cases.

import type { Device, Release } from "./api/types.ts";

/** The words that a device is found by. */
function termsOf(device: Device): string {
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
export function matchesQuery(device: Device, query: string): boolean {
  const terms = termsOf(device);
  const names = `${device.id}\n${device.product ?? ""}\n${device.hardware ?? ""}`.toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "")
    .every((word) => terms.includes(` ${word}`) || names.includes(word));
}

/** Whether a release has an image for the device as it last described itself. */
export function fits(release: Pick<Release, "product" | "images">, device: Device): boolean {
  return (
    !device.revoked &&
    device.product === release.product &&
    release.images.some(
      (image) =>
        image.hardware === device.hardware &&
        device.revision !== null &&
        device.revision >= image.revisionMin &&
        device.revision <= image.revisionMax,
    )
  );
}
