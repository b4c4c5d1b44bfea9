import type { Claim, Device, DeviceDetail } from "@flipside/api/types";
import { everyPage } from "@flipside/api/every-page";
import { api } from "./http.ts";

export const listDevices = (): Promise<Device[]> =>
  everyPage(async (query) => {
    const { devices, next } = await api("GET /api/devices", { query });
    return { members: devices, next };
  });

export const getDevice = (id: string): Promise<DeviceDetail> => api("GET /api/devices/:id", { params: { id } });

export const revokeDevice = (id: string): Promise<Device> => api("POST /api/devices/:id/revoke", { params: { id } });

export const importClaims = (claims: Claim[]): Promise<{ imported: number }> =>
  api("POST /api/claims", { body: { claims } });
