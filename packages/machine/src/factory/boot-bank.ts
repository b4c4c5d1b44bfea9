// The boot bank of a unikernel: the loader, and the first root keys in its last page (exokernel/root_keys.c).

import { MIB } from "./flash-layout.ts";

const BANK_BYTES = 32 * MIB;
const ROOT_KEYS_MAGIC = 0x4b525346;

export function bootBank(loader: Uint8Array, rootKeys: Uint8Array[]): Uint8Array {
  const bank = new Uint8Array(BANK_BYTES).fill(0xff);
  if (loader.length > BANK_BYTES - 4096)
    throw new RangeError(`the loader has ${loader.length} bytes, more than the boot bank`);
  bank.set(loader, 0);
  const page = new DataView(bank.buffer, BANK_BYTES - 4096);
  page.setUint32(0, ROOT_KEYS_MAGIC, true);
  page.setUint32(4, rootKeys.length, true);
  rootKeys.forEach((key, i) => bank.set(key, BANK_BYTES - 4096 + 8 + 32 * i));
  return bank;
}
