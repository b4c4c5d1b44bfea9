// Compares secrets without telling by its time where they differ.

import { timingSafeEqual } from "node:crypto";

export function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
