import { request } from "./http.ts";
import type { Claim, Device, DeviceDetail } from "./types.ts";

const at = (id: string): string => `/api/devices/${encodeURIComponent(id)}`;

export const listDevices = async (): Promise<Device[]> =>
  (await request<{ devices: Device[] }>("GET", "/api/devices")).devices;

export const getDevice = (id: string): Promise<DeviceDetail> => request("GET", at(id));

export const revokeDevice = (id: string): Promise<Device> => request("POST", `${at(id)}/revoke`);

export const importClaims = (claims: Claim[]): Promise<{ imported: number }> =>
  request("POST", "/api/claims", { claims });
