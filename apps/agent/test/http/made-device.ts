// A unikernel as the factory makes it, with an image of one's own in slot A; it is off.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildImage, newFactoryIdentity } from "@flipside/image-format";
import { bootBank } from "@flipside/machine/factory/boot-bank";
import { factoryFlash } from "@flipside/machine/factory/factory-flash";
import { unikernelLayout } from "@flipside/machine/factory/flash-layout";
import { PRODUCT, unikernelTarget } from "@flipside/machine/factory/targets";
import { Unikernel, type UnikernelOptions } from "@flipside/machine/qemu/unikernel";
import { buildLoader } from "../../build/build-loader.ts";
import type { FeatureChoice } from "../../build/features.ts";
import { imageFields } from "../../build/image-fields.ts";
import { projectKeys } from "../../build/project-keys.ts";

export interface MadeDevice {
  /** Of keys and device, which exists. */
  folder: string;
  payload: Uint8Array;
  /** Of the device; its version is 1.0.0. */
  deviceId: string;
  /** That an agent would connect to; by default none is there. */
  server?: { host: string; port: number };
  /** Of the boot loader. */
  loader?: FeatureChoice;
  options: Omit<UnikernelOptions, "folder">;
}

export async function makeDevice({
  folder,
  payload,
  deviceId,
  server,
  loader: features = {},
  options,
}: MadeDevice): Promise<Unikernel> {
  const keys = await projectKeys(join(folder, "keys"));
  const image = await buildImage({
    fields: imageFields(unikernelTarget, { version: "1.0.0", releaseSequence: 1 }),
    payload,
    signingKeys: [keys.release.privateJwk],
  });
  const identity = newFactoryIdentity({
    deviceId,
    product: PRODUCT,
    hardware: { name: unikernelTarget.hardwareName, revision: unikernelTarget.revision },
    server: server ?? { host: "10.0.2.2", port: 9 },
  });
  const loader = new Uint8Array(readFileSync((await buildLoader({ features })).binaryPath));
  const unikernel = new Unikernel({ ...options, folder: join(folder, deviceId) });
  unikernel.manufacture(
    bootBank(loader, [keys.root.publicKey]),
    await factoryFlash({ layout: unikernelLayout, identity, trustChain: keys.trustChain, image }),
  );
  return unikernel;
}
