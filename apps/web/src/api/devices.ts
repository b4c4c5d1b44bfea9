import type { QueryInputOf } from "@flipside/api/route";
import type { Routes } from "@flipside/api/routes";
import type { FleetSpan } from "@flipside/api/fleet-spans";
import type {
  Claim,
  Device,
  DeviceDetail,
  DeviceSummary,
  DeviceView,
  FleetHistory,
  NewCommand,
  NewDeviceView,
} from "@flipside/api/types";
import { namedDevicesMax } from "@flipside/api/limits";
import { api } from "./http.ts";

type DevicesAsked = NonNullable<QueryInputOf<Routes["listDevices"]>>;

export const devicePage = (query: DevicesAsked): Promise<{ devices: Device[]; next: string | null }> =>
  api("GET /api/v1/devices", { query });

export const summariseDevices = (): Promise<DeviceSummary> => api("GET /api/v1/device-summary");

export const getFleetHistory = (span: FleetSpan): Promise<FleetHistory> =>
  api("GET /api/v1/fleet-history", { query: { span } });

/** Some devices, or all that a filter means. */
export type DeviceTarget = { deviceIds: string[] } | { where: string };

type Counts<What extends string> = Record<What, number> & { unknown: number; next: string | null };

/** As many requests as it takes. `onDone`: what was done so far. */
async function allOf<What extends string>(
  names: readonly What[],
  request: (after: { after?: string }) => Promise<Counts<What>>,
  onDone: (sofar: Record<What, number>) => void,
): Promise<Record<What, number>> {
  const all = Object.fromEntries(names.map((name) => [name, 0])) as Record<What, number>;
  for (let after: string | null | undefined; after !== null; ) {
    const done = await request(after === undefined ? {} : { after });
    for (const name of names) all[name] += done[name];
    onDone({ ...all });
    after = done.next;
  }
  return all;
}

/** As many as one request may name. */
function* inLots({ deviceIds }: { deviceIds: string[] }): Generator<{ deviceIds: string[] }> {
  for (let at = 0; at < deviceIds.length; at += namedDevicesMax)
    yield { deviceIds: deviceIds.slice(at, at + namedDevicesMax) };
}

async function doneTo<What extends string>(
  target: DeviceTarget,
  names: readonly What[],
  request: (target: DeviceTarget & { after?: string }) => Promise<Counts<What>>,
  onDone: (sofar: Record<What, number>) => void,
): Promise<Record<What, number>> {
  const total = Object.fromEntries(names.map((name) => [name, 0])) as Record<What, number>;
  const sum = (more: Record<What, number>): Record<What, number> =>
    Object.fromEntries(names.map((name) => [name, total[name] + more[name]])) as Record<What, number>;
  for (const lot of "where" in target ? [target] : inLots(target)) {
    const done = await allOf(
      names,
      (after) => request({ ...lot, ...after }),
      (sofar) => onDone(sum(sofar)),
    );
    Object.assign(total, sum(done));
  }
  return total;
}

export const tagDevices = (
  target: DeviceTarget,
  change: { add: string[]; remove: string[] },
  onDone: (sofar: Tagged) => void,
): Promise<Tagged> =>
  doneTo(
    target,
    ["changed", "unchanged", "leftOut"],
    (to) => api("POST /api/v1/tags", { body: { ...to, ...change } }),
    onDone,
  );

export type Tagged = Record<"changed" | "unchanged" | "leftOut", number>;

export const commandDevices = (
  target: DeviceTarget,
  command: NewCommand,
  onDone: (sofar: Commanded) => void,
): Promise<Commanded> =>
  doneTo(
    target,
    ["given", "full", "leftOut"],
    (to) => api("POST /api/v1/commands", { body: { ...to, command } }),
    onDone,
  );

export type Commanded = Record<"given" | "full" | "leftOut", number>;

/** Where the browser loads them from. */
export const devicesCsvPath = (asked: { query: string; filter: string; sort: string }): string =>
  `/api/v1/devices.csv?${new URLSearchParams(asked)}`;

export const listDeviceViews = async (): Promise<DeviceView[]> => (await api("GET /api/v1/device-views")).views;
export const saveDeviceView = (body: NewDeviceView): Promise<DeviceView> => api("POST /api/v1/device-views", { body });
export const deleteDeviceView = (id: string): Promise<void> =>
  api("DELETE /api/v1/device-views/:id", { params: { id } });

export const getDevice = (id: string): Promise<DeviceDetail> => api("GET /api/v1/devices/:id", { params: { id } });

export const revokeDevice = (id: string): Promise<Device> => api("POST /api/v1/devices/:id/revoke", { params: { id } });

export const unrevokeDevice = (id: string): Promise<Device> =>
  api("POST /api/v1/devices/:id/unrevoke", { params: { id } });

export const deleteDevice = (id: string): Promise<void> =>
  api("DELETE /api/v1/devices/:id", { params: { id }, query: { confirm: id } });

/** One board is the device again. */
export const clearConflict = (id: string): Promise<Device> =>
  api("POST /api/v1/devices/:id/clear-conflict", { params: { id } });

export const importClaims = (claims: Claim[]): Promise<{ imported: number }> =>
  api("POST /api/v1/claims", { body: { claims } });
