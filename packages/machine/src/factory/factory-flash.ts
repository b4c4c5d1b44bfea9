// The flash of a device as it leaves the factory: identity, trust, the first image in slot A, everything else erased.
// Blank boot control is the factory's state.

import { encodeFactoryRecord, type FactoryIdentity, slotParts } from "@flipside/image-format";
import type { FlashLayout } from "./flash-layout.ts";

export async function factoryFlash(options: {
  layout: FlashLayout;
  identity: FactoryIdentity;
  trustChain: Uint8Array;
  /** Image file for slot A. */
  image: Uint8Array;
  /** Allocates the flash; default: zero-filled memory. */
  allocate?: (sizeBytes: number) => Uint8Array;
}): Promise<Uint8Array> {
  const { layout } = options;
  const flash = (options.allocate ?? ((sizeBytes) => new Uint8Array(sizeBytes)))(layout.sizeBytes).fill(0xff);
  const put = (zone: keyof FlashLayout["zones"], offset: number, bytes: Uint8Array): void => {
    const range = layout.zones[zone];
    if (offset + bytes.length > range.sizeBytes)
      throw new RangeError(`${bytes.length} bytes at ${offset} don't fit zone ${zone} (${range.sizeBytes} bytes)`);
    flash.set(bytes, range.offsetBytes + offset);
  };
  put("factory", 0, await encodeFactoryRecord(options.identity));
  put("trust", 0, options.trustChain);
  put("trust", layout.sectorBytes, options.trustChain);
  for (const part of await slotParts(options.image, layout.sectorBytes)) put("slotA", part.offset, part.bytes);
  return flash;
}
