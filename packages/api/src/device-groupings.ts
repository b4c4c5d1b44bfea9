// What devices are counted by. Plain values, for a browser.

export const deviceGroupings = [
  ...(["product", "hardware", "revision", "version", "slotState", "health"] as const),
  ...(["bootReason", "agent", "channel", "revoked", "tag"] as const),
] as const;

export type DeviceGroupedBy = (typeof deviceGroupings)[number] | `attribute.${string}`;
