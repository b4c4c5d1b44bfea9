// How events change what the console has loaded. Pure: the same events give the same picture.

import { activeOf } from "@flipside/api/active-deployment";
import type {
  Deployment,
  Device,
  DeviceDetail,
  LiveEvent,
  Release,
  Rollout,
  RolloutSummary,
} from "@flipside/api/types";

export type ById<T> = ReadonlyMap<string, T>;

export const byId = <T extends { id: string }>(items: readonly T[]): ById<T> =>
  new Map(items.map((item) => [item.id, item]));

/** The device after news of one of its deployments; itself when that changes nothing. */
function withDeployment(device: Device, deployment: Deployment): Device {
  const { activeDeployment: shown } = device;
  const others = shown === null || shown.id === deployment.id ? [] : [shown];
  const active = activeOf([...others, deployment]) ?? null;
  return active === shown ? device : { ...device, activeDeployment: active };
}

export function applyToDevices(devices: ById<Device>, events: readonly LiveEvent[]): ById<Device> {
  let changed: Map<string, Device> | undefined;
  for (const event of events) {
    if (event.kind === "device") {
      changed ??= new Map(devices);
      changed.set(event.data.id, event.data);
    } else if (event.kind === "gone" && event.data.kind === "device" && devices.has(event.data.id)) {
      changed ??= new Map(devices);
      changed.delete(event.data.id);
    } else if (event.kind === "deployment") {
      const device = (changed ?? devices).get(event.data.deviceId);
      if (!device) continue;
      changed ??= new Map(devices);
      changed.set(device.id, withDeployment(device, event.data));
    }
  }
  return changed ?? devices;
}

/** A list of what can be archived: with what is, if it shows that. */
function applyToList<T extends { id: string; archivedAt: string | null }>(
  list: ById<T>,
  events: readonly LiveEvent[],
  kind: "release" | "rollout",
  showsArchived: boolean,
): ById<T> {
  let changed: Map<string, T> | undefined;
  for (const event of events) {
    if (event.kind === kind) {
      const data = event.data as unknown as T;
      changed ??= new Map(list);
      if (data.archivedAt === null || showsArchived) changed.set(data.id, data);
      else changed.delete(data.id);
    } else if (event.kind === "gone" && event.data.kind === kind) {
      changed ??= new Map(list);
      changed.delete(event.data.id);
    }
  }
  return changed ?? list;
}

export const applyToReleases = (
  releases: ById<Release>,
  events: readonly LiveEvent[],
  showsArchived = false,
): ById<Release> => applyToList(releases, events, "release", showsArchived);

export const applyToRollouts = (
  rollouts: ById<RolloutSummary>,
  events: readonly LiveEvent[],
  showsArchived = false,
): ById<RolloutSummary> => applyToList(rollouts, events, "rollout", showsArchived);

export const isGone = (event: LiveEvent, kind: "device" | "rollout", id: string): boolean =>
  event.kind === "gone" && event.data.kind === kind && event.data.id === id;

function withUpdated(deployments: Deployment[], deployment: Deployment): Deployment[] {
  const at = deployments.findIndex((known) => known.id === deployment.id);
  return at < 0 ? [deployment, ...deployments] : deployments.with(at, deployment);
}

export function applyToDevice(device: DeviceDetail, events: readonly LiveEvent[]): DeviceDetail {
  for (const event of events) {
    if (event.kind === "device" && event.data.id === device.id) {
      device = { ...device, ...event.data, deployments: device.deployments, log: device.log };
    } else if (event.kind === "deployment" && event.data.deviceId === device.id) {
      const deployments = withUpdated(device.deployments, event.data);
      device = { ...device, ...withDeployment(device, event.data), deployments, log: device.log };
    }
  }
  return device;
}

/** The device's log comes with no event, but a new boot, session or loss of one writes to it. */
export function deviceLogMayHaveGrown(device: DeviceDetail, event: LiveEvent): boolean {
  return (
    event.kind === "device" &&
    event.data.id === device.id &&
    (event.data.bootCounter !== device.bootCounter ||
      event.data.online !== device.online ||
      event.data.health !== device.health ||
      event.data.revoked !== device.revoked)
  );
}

export function applyToRollout(rollout: Rollout, events: readonly LiveEvent[]): Rollout {
  // A wave's many deployments arrive in one burst: they are found by id, not each by a search.
  let updated: Map<string, Deployment> | undefined;
  for (const event of events) {
    if (event.kind === "rollout" && event.data.id === rollout.id) {
      rollout = { ...rollout, ...event.data, deployments: rollout.deployments, decisions: rollout.decisions };
    } else if (event.kind === "deployment" && event.data.rolloutId === rollout.id) {
      updated ??= new Map();
      updated.set(event.data.id, event.data);
    }
  }
  if (!updated) return rollout;
  const deployments = rollout.deployments.map((known) => {
    const now = updated.get(known.id);
    return now ?? known;
  });
  // Those that are not loaded are not shown.
  return { ...rollout, deployments };
}

/** What is waited for comes with no event, but changes with a rollout or a device, or with a deployment of it. */
export const whyRolloutMayDiffer = (id: string, event: LiveEvent): boolean =>
  (event.kind === "rollout" && event.data.id === id) || (event.kind === "deployment" && event.data.rolloutId === id);

export const whyDeviceMayDiffer = (id: string, event: LiveEvent): boolean =>
  (event.kind === "device" && event.data.id === id) || (event.kind === "deployment" && event.data.deviceId === id);

/** Decisions come with no event, but their number does. */
export const decisionsHaveGrown = (rollout: Rollout, event: LiveEvent): boolean =>
  event.kind === "rollout" && event.data.id === rollout.id && event.data.decisionCount > rollout.decisionCount;
