// Who this device is: the record that the factory wrote once.

import { equalInConstantTime, sha256 } from "../crypto";
import { flashRead, Zone } from "../exokernel";
import {
  FACTORY_BYTES,
  FACTORY_CHECK_BYTES,
  FACTORY_CHECKED_BYTES,
  FACTORY_DEVICE_ID_BYTES_OFFSET,
  FACTORY_DEVICE_ID_OFFSET,
  FACTORY_HARDWARE_BYTES_OFFSET,
  FACTORY_HARDWARE_OFFSET,
  FACTORY_HOST_BYTES_OFFSET,
  FACTORY_HOST_OFFSET,
  FACTORY_KEY_OFFSET,
  FACTORY_CLAIM_OFFSET,
  FACTORY_PORT_OFFSET,
  FACTORY_PRODUCT_BYTES_OFFSET,
  FACTORY_PRODUCT_OFFSET,
  FACTORY_REVISION_OFFSET,
  isFactoryRecord,
  SERVER_KEY_BYTES,
  SERVER_KEY_CHECKED_BYTES,
  SERVER_KEY_KEY_OFFSET,
  SERVER_KEY_MAGIC,
  SERVER_KEY_OFFSET,
} from "../format";

const digest: usize = memory.data(32);
const bytes: Uint8Array = new Uint8Array(FACTORY_BYTES);
const serverKeyRecord: usize = memory.data(52, 4);

/** Reads and checks the record; nothing below means anything before it returned true. */
export function loadFactoryRecord(): bool {
  if (flashRead(Zone.Factory, 0, bytes.dataStart, FACTORY_BYTES) < 0 || !isFactoryRecord(bytes, 0)) return false;
  sha256(bytes.dataStart, FACTORY_CHECKED_BYTES, digest);
  return equalInConstantTime(digest, bytes.dataStart + FACTORY_CHECKED_BYTES, FACTORY_CHECK_BYTES);
}

export function deviceKeySeed(): usize {
  return bytes.dataStart + FACTORY_KEY_OFFSET;
}
export function claimSecret(): usize {
  return bytes.dataStart + FACTORY_CLAIM_OFFSET;
}
export function hardwareRevision(): u32 {
  return load<u16>(bytes.dataStart + FACTORY_REVISION_OFFSET);
}
export function deviceIdPtr(): usize {
  return bytes.dataStart + FACTORY_DEVICE_ID_OFFSET;
}
export function deviceIdBytes(): u32 {
  return bytes[FACTORY_DEVICE_ID_BYTES_OFFSET];
}
export function productPtr(): usize {
  return bytes.dataStart + FACTORY_PRODUCT_OFFSET;
}
export function productBytes(): u32 {
  return bytes[FACTORY_PRODUCT_BYTES_OFFSET];
}
export function hardwarePtr(): usize {
  return bytes.dataStart + FACTORY_HARDWARE_OFFSET;
}
export function hardwareBytes(): u32 {
  return bytes[FACTORY_HARDWARE_BYTES_OFFSET];
}
export function serverHostPtr(): usize {
  return bytes.dataStart + FACTORY_HOST_OFFSET;
}
export function serverHostBytes(): u32 {
  return bytes[FACTORY_HOST_BYTES_OFFSET];
}
export function serverPort(): u32 {
  return load<u16>(bytes.dataStart + FACTORY_PORT_OFFSET);
}

/**
 * The server's public key (32 bytes) where it is to be known by that; zeros, which no server has, where there is none.
 */
export function serverKeyPtr(): usize {
  const isRead = flashRead(Zone.Factory, SERVER_KEY_OFFSET, serverKeyRecord, SERVER_KEY_BYTES) >= 0;
  sha256(serverKeyRecord, SERVER_KEY_CHECKED_BYTES, digest);
  const isThere =
    isRead &&
    load<u32>(serverKeyRecord) == SERVER_KEY_MAGIC &&
    equalInConstantTime(digest, serverKeyRecord + SERVER_KEY_CHECKED_BYTES, FACTORY_CHECK_BYTES);
  if (!isThere) memory.fill(serverKeyRecord, 0, SERVER_KEY_BYTES);
  return serverKeyRecord + SERVER_KEY_KEY_OFFSET;
}
