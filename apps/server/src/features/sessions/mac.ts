// MACs of the protocol: HMAC-SHA256 over a label and fields, each field after one line feed.

import { createHmac, timingSafeEqual } from "node:crypto";

export function macOver(secret: Uint8Array, label: string, ...fields: string[]): Buffer {
  const mac = createHmac("sha256", secret).update(label);
  for (const field of fields) mac.update(`\n${field}`);
  return mac.digest();
}

export function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
