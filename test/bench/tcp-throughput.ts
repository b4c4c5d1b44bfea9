// The yardstick beside the update: as many bytes by plain TCP, from a Node server to the device's own TCP stack, over
// the same emulated network and QEMU's same NAT, with nothing verified and nothing stored.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { buildImage, newFactoryIdentity } from "@flipside/image-format";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { buildPayloads } from "../../apps/agent/build/build-release.ts";
import { imageFields } from "../../apps/agent/build/image-fields.ts";
import { PRODUCT, unikernelTarget } from "@flipside/machine/factory/targets";
import { bootBank } from "@flipside/machine/factory/boot-bank";
import { factoryFlash } from "@flipside/machine/factory/factory-flash";
import { unikernelLayout } from "@flipside/machine/factory/flash-layout";
import { Unikernel } from "@flipside/machine/qemu/unikernel";
import type { Prepared } from "../../apps/demo/src/prepare.ts";
import { machines, microsecondsOf } from "./device-snapshot.ts";
import type { Transfer } from "./update-throughput.ts";

const TRANSFER_TIMEOUT_MS = 60_000;

/** From the connection's being open to its orderly end, by the device's own clock. */
export async function measureTcp(options: {
  folder: string;
  prepared: Prepared;
  transfers: number;
  bytes: number;
}): Promise<Transfer[]> {
  const { prepared, bytes } = options;
  const { unikernelPayload } = await buildPayloads({
    agentEntry: join(repositoryRoot, "test/bench/assembly/tcp-sink.ts"),
  });
  const signingKeys = [prepared.keys.release.privateJwk];
  const image = await buildImage({
    fields: imageFields(unikernelTarget, { version: "1.0.0", releaseSequence: 1 }),
    payload: unikernelPayload,
    signingKeys,
  });

  const data = randomBytes(bytes);
  const server = createServer((socket) => {
    socket.on("error", () => {}); // the device's power is cut when all has been measured
    socket.end(data);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const identity = newFactoryIdentity({
    deviceId: "bench-tcp",
    product: PRODUCT,
    hardware: { name: unikernelTarget.hardwareName, revision: unikernelTarget.revision },
    server: { host: "10.0.2.2", port: (server.address() as AddressInfo).port },
  });
  const unikernel = new Unikernel({ folder: join(options.folder, "tcp"), network: { kind: "user" } });
  machines.add(unikernel);
  unikernel.manufacture(
    bootBank(new Uint8Array(readFileSync(prepared.loader.binaryPath)), [prepared.keys.root.publicKey]),
    await factoryFlash({ layout: unikernelLayout, identity, trustChain: prepared.keys.trustChain, image }),
  );
  const transfers: Transfer[] = [];
  const done = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`the TCP transfers took too long:\n${unikernel.console.slice(-20).join("\n")}`)),
      TRANSFER_TIMEOUT_MS,
    );
    let beginUs = 0;
    unikernel.on("line", (line) => {
      const us = microsecondsOf(line);
      if (us === undefined) return;
      if (line.includes("] tcp begin")) beginUs = us;
      const end = /\] tcp end (\d+)/.exec(line);
      if (!end) return;
      if (Number(end[1]) !== bytes) return reject(new Error(`the device received ${end[1]} of ${bytes} bytes`));
      transfers.push({ bytes, seconds: (us - beginUs) / 1e6 });
      if (transfers.length < options.transfers) return;
      clearTimeout(timer);
      resolve();
    });
  });
  unikernel.powerOn();
  try {
    await done;
  } finally {
    await unikernel.cutPower();
    server.close();
  }
  return transfers.slice(0, options.transfers);
}
