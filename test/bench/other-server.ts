// The same device, told by its factory record to speak to another port, by TLS or in clear: what is counted of both
// tells what TLS costs.

import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { encodeFactoryRecord } from "@flipside/image-format";
import { TLS_HOST_PREFIX } from "@flipside/image-format/portable/channel-prefix";
import { unikernelLayout } from "@flipside/machine/factory/flash-layout";
import { PRODUCT, unikernelTarget } from "@flipside/machine/factory/targets";
import { HOST_FROM_GUEST, unikernelId, type UnikernelFile } from "../../apps/demo/src/demo-fleet.ts";
import { DeviceSnapshot } from "./device-snapshot.ts";

/** `identityPath`: of the demo's unikernel. */
export async function toldOf(
  snapshot: DeviceSnapshot,
  { folder, identityPath, ...server }: { folder: string; identityPath: string; isTls: boolean; port: number },
): Promise<DeviceSnapshot> {
  const { deviceKey, claimSecret } = JSON.parse(readFileSync(identityPath, "utf8")) as UnikernelFile;
  const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64url"));
  const record = await encodeFactoryRecord({
    deviceId: unikernelId,
    product: PRODUCT,
    hardware: { name: unikernelTarget.hardwareName, revision: unikernelTarget.revision },
    server: { host: server.isTls ? TLS_HOST_PREFIX + HOST_FROM_GUEST : HOST_FROM_GUEST, port: server.port },
    deviceKey: bytes(deviceKey),
    claimSecret: bytes(claimSecret),
  });
  const unikernel = snapshot.restore();
  const flash = openSync(unikernel.flashPath, "r+");
  try {
    writeSync(flash, record, 0, record.length, unikernelLayout.zones.factory.offsetBytes);
  } finally {
    closeSync(flash);
  }
  return DeviceSnapshot.take(unikernel, join(folder, "told"));
}
