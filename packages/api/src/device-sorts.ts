// What lists of devices are sorted by; with a minus, the other way round. Plain values, for a browser.

export const deviceSorts = [
  ...(["id", "-id", "lastSeenAt", "-lastSeenAt"] as const),
  ...(["version", "-version", "enrolledAt", "-enrolledAt"] as const),
] as const;

export type DeviceSort = (typeof deviceSorts)[number];

export const isDeviceSort = (text: string): text is DeviceSort => (deviceSorts as readonly string[]).includes(text);
