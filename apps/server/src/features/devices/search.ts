// Finding devices by what an operator would type. The console has the same (apps/web/src/device-search.ts); their tests
// share the cases.

import type { DeviceView } from "./view.ts";

type Searched = Pick<DeviceView, "id" | "product" | "hardware" | "running" | "revoked" | "online" | "health"> & {
  activeDeployment: Pick<NonNullable<DeviceView["activeDeployment"]>, "state" | "version"> | null;
};

/** What a device is found by: names match anywhere, words from their start, so that `healthy` does not find `unhealthy`. */
export function matchesQuery(device: Searched, query: string): boolean {
  const { running, activeDeployment } = device;
  const words = [
    running?.version,
    running?.digest,
    running && `slot-${running.slot}`,
    device.revoked ? "revoked" : device.online ? "online" : "offline",
    device.health,
    activeDeployment?.state,
    activeDeployment?.version,
  ];
  const text = words.map((word) => (word == null ? "" : ` ${word.toLowerCase()}`)).join("");
  const names = [device.id, device.product, device.hardware].map((name) => name ?? "").join("\n").toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .every((wanted) => text.includes(` ${wanted}`) || names.includes(wanted));
}
