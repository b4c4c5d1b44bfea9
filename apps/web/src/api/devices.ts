import type { QueryInputOf } from "@flipside/api/route";
import type { Routes } from "@flipside/api/routes";
import type { FleetSpan } from "@flipside/api/fleet-spans";
import type { Claim, Device, DeviceDetail, DeviceSummary, FleetHistory } from "@flipside/api/types";
import { everyPage } from "@flipside/api/every-page";
import { api } from "./http.ts";

type DevicesAsked = NonNullable<QueryInputOf<Routes["listDevices"]>>;

export const devicePage = (query: DevicesAsked): Promise<{ devices: Device[]; next: string | null }> =>
  api("GET /api/v1/devices", { query });

export const summariseDevices = (): Promise<DeviceSummary> => api("GET /api/v1/device-summary");

export const getFleetHistory = (span: FleetSpan): Promise<FleetHistory> =>
  api("GET /api/v1/fleet-history", { query: { span } });

export const listDevices = (): Promise<Device[]> =>
  everyPage(async (query) => {
    const { devices, next } = await api("GET /api/v1/devices", { query });
    return { members: devices, next };
  });

export const getDevice = (id: string): Promise<DeviceDetail> => api("GET /api/v1/devices/:id", { params: { id } });

export const revokeDevice = (id: string): Promise<Device> => api("POST /api/v1/devices/:id/revoke", { params: { id } });

export const deleteDevice = (id: string): Promise<void> =>
  api("DELETE /api/v1/devices/:id", { params: { id }, query: { confirm: id } });

/** One board is the device again. */
export const clearConflict = (id: string): Promise<Device> =>
  api("POST /api/v1/devices/:id/clear-conflict", { params: { id } });

export const importClaims = (claims: Claim[]): Promise<{ imported: number }> =>
  api("POST /api/v1/claims", { body: { claims } });
