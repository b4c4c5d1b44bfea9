// Ids: 80 random bits in hex. Short enough for a device's buffers, and never reused.

import { randomBytes } from "node:crypto";

export const newId = (): string => randomBytes(10).toString("hex");

export const iso = (timeMs: number): string => new Date(timeMs).toISOString();
export const isoOrNull = (timeMs: number | null): string | null => (timeMs === null ? null : iso(timeMs));
