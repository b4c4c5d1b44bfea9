// The factory record of one device, as the factory's tool writes it.

import { sha256 } from "./keys.ts";
import { writeU16, writeU32 } from "./portable/bytes.ts";
import { PINNED_HOST_PREFIX } from "./portable/channel-prefix.ts";
import * as F from "./portable/factory-record.ts";

export interface FactoryIdentity {
  /** 1 to 48 characters of [a-z0-9-]. */
  deviceId: string;
  product: string;
  hardware: { name: string; revision: number };
  /** Ed25519 seed, 32 bytes; stays on the device. */
  deviceKey: Uint8Array;
  /** 32 bytes; the operator imports the same. */
  claimSecret: Uint8Array;
  /**
   * Where the first connection goes: `tls:` before the host is TLS by the claim, then by the device's secret; `pin:` by
   * the server's key.
   */
  server: { host: string; port: number };
  /** The Ed25519 public key of the server's certificate, 32 bytes, for `pin:`. */
  serverKey?: Uint8Array | undefined;
}

export function newFactoryIdentity(fields: Omit<FactoryIdentity, "deviceKey" | "claimSecret">): FactoryIdentity {
  return {
    ...fields,
    deviceKey: crypto.getRandomValues(new Uint8Array(32)),
    claimSecret: crypto.getRandomValues(new Uint8Array(32)),
  };
}

/** Throws RangeError naming the field that doesn't fit. */
export async function encodeFactoryRecord(identity: FactoryIdentity): Promise<Uint8Array> {
  if (!/^[a-z0-9-]{1,48}$/.test(identity.deviceId))
    throw new RangeError(`device id "${identity.deviceId}": 1 to 48 characters of a-z, 0-9 and -`);
  const record = new Uint8Array(F.FACTORY_BYTES);
  const put = (offset: number, lengthOffset: number, max: number, text: string, what: string): void => {
    const bytes = new TextEncoder().encode(text);
    if (bytes.length < 1 || bytes.length > max) throw new RangeError(`${what} "${text}": 1 to ${max} bytes`);
    record.set(bytes, offset);
    record[lengthOffset] = bytes.length;
  };
  writeU32(record, 0, F.FACTORY_MAGIC);
  writeU16(record, 4, 1);
  writeU16(record, 6, F.FACTORY_BYTES);
  record.set(identity.deviceKey, F.FACTORY_KEY_OFFSET);
  record.set(identity.claimSecret, F.FACTORY_CLAIM_OFFSET);
  writeU16(record, F.FACTORY_REVISION_OFFSET, identity.hardware.revision);
  writeU16(record, F.FACTORY_PORT_OFFSET, identity.server.port);
  put(F.FACTORY_DEVICE_ID_OFFSET, F.FACTORY_DEVICE_ID_BYTES_OFFSET, 48, identity.deviceId, "device id");
  put(F.FACTORY_PRODUCT_OFFSET, F.FACTORY_PRODUCT_BYTES_OFFSET, 32, identity.product, "product");
  put(F.FACTORY_HARDWARE_OFFSET, F.FACTORY_HARDWARE_BYTES_OFFSET, 32, identity.hardware.name, "hardware");
  put(F.FACTORY_HOST_OFFSET, F.FACTORY_HOST_BYTES_OFFSET, F.FACTORY_HOST_BYTES_MAX, identity.server.host, "host");
  record.set(
    (await sha256(record.subarray(0, F.FACTORY_CHECKED_BYTES))).subarray(0, F.FACTORY_CHECK_BYTES),
    F.FACTORY_CHECKED_BYTES,
  );
  if (identity.serverKey === undefined) {
    if (identity.server.host.startsWith(PINNED_HOST_PREFIX))
      throw new RangeError(`host "${identity.server.host}": the server's key is missing`);
    return record;
  }
  return new Uint8Array([...record, ...(await serverKeyRecord(identity.serverKey))]);
}

async function serverKeyRecord(key: Uint8Array): Promise<Uint8Array> {
  if (key.length !== 32) throw new RangeError(`the server's key has ${key.length} bytes; an Ed25519 public key has 32`);
  const record = new Uint8Array(F.SERVER_KEY_BYTES);
  writeU32(record, 0, F.SERVER_KEY_MAGIC);
  record.set(key, F.SERVER_KEY_KEY_OFFSET);
  const check = await sha256(record.subarray(0, F.SERVER_KEY_CHECKED_BYTES));
  record.set(check.subarray(0, F.FACTORY_CHECK_BYTES), F.SERVER_KEY_CHECKED_BYTES);
  return record;
}
