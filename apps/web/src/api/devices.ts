import type { Claim, Device, DeviceDetail } from "@flipside/api/types";
import { api } from "./http.ts";

export const listDevices = async (): Promise<Device[]> => (await api("GET /api/devices")).devices;

export const getDevice = (id: string): Promise<DeviceDetail> => api("GET /api/devices/:id", { params: { id } });

export const revokeDevice = (id: string): Promise<Device> => api("POST /api/devices/:id/revoke", { params: { id } });

export const importClaims = (claims: Claim[]): Promise<{ imported: number }> =>
  api("POST /api/claims", { body: { claims } });
