// How many guests a host holds, by the memory that is there when a few of them run: unikernels and Linux guests that
// serve the same, and virtual devices, which are threads of one process.

import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { buildBootWasm } from "../../../apps/agent/build/build-loader.ts";
import { buildVirtualRelease } from "../../../apps/agent/build/build-release.ts";
import type { LinkedProgram } from "../../../apps/agent/build/link.ts";
import { repositoryRoot } from "../../../apps/agent/build/paths.ts";
import { projectKeys } from "../../../apps/agent/build/project-keys.ts";
import type { FleetConfig, FleetEvent } from "@flipside/machine/node/fleet-protocol";
import { DeviceGuest, type Guest, LINUX_RAM_MIB, LinuxGuest } from "./guests.ts";
import { firstByte } from "./http-client.ts";
import type { LinuxImage } from "./linux-image.ts";
import { type MemoryShare, memoryShare } from "./memory.ts";

/** As many of a kind at a time: what they share with each other, the emulator's code, is shared by these. */
const TOGETHER = 3;
const FEW_DEVICES = 4;
const MANY_DEVICES = 20;
const START_TIMEOUT_MS = 60_000;
/** After the first answer, until what a start needs is given back. */
const SETTLE_MS = 5_000;
const FLASH_BANK_MIB = 32;
const DEVICE_RAM_MIB = 32;
export const HOST_KIB = 24 * 1024 * 1024;

export interface DensityFigures {
  device: MemoryShare;
  linux?: MemoryShare;
  /** Each, beyond the process that they are in. */
  virtualDeviceKib: number;
}

async function sharesOf(guests: Guest[], shareOf: (guest: Guest) => MemoryShare): Promise<MemoryShare> {
  try {
    for (const guest of guests) {
      guest.start();
      await firstByte(guest.port, START_TIMEOUT_MS);
    }
    await pause(SETTLE_MS);
    const shares = guests.map(shareOf);
    const mean = (of: keyof MemoryShare): number =>
      Math.round(shares.reduce((sum, share) => sum + share[of], 0) / shares.length);
    return {
      guestRam: mean("guestRam"),
      flash: mean("flash"),
      translated: mean("translated"),
      emulator: mean("emulator"),
    };
  } finally {
    await Promise.all(guests.map((guest) => guest.stop()));
  }
}

/** @param folder exists */
export async function measureDevices(folder: string, program: LinkedProgram): Promise<MemoryShare> {
  const guests: DeviceGuest[] = [];
  for (let i = 0; i < TOGETHER; i++) {
    const own = join(folder, `device-${i}`);
    mkdirSync(own);
    guests.push(await DeviceGuest.make(own, program));
  }
  return sharesOf(guests, (guest) =>
    memoryShare(guest.processId!, {
      ramMib: DEVICE_RAM_MIB,
      ramPath: (guest as DeviceGuest).unikernel.ramPath,
      flashMib: FLASH_BANK_MIB,
    }),
  );
}

export async function measureLinuxGuests(image: LinuxImage): Promise<MemoryShare> {
  const guests: LinuxGuest[] = [];
  for (let i = 0; i < TOGETHER; i++) guests.push(await LinuxGuest.make(image));
  return sharesOf(guests, (guest) => memoryShare(guest.processId!, { ramMib: LINUX_RAM_MIB, flashMib: 0 }));
}

const residentKib = (processId: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${processId}/status`, "utf8"))![1]);

/** Of a process with so many virtual devices, each of which has started and looks for a server. */
async function residentWith(count: number, config: Omit<FleetConfig, "deviceIds">): Promise<number> {
  mkdirSync(config.folder);
  const deviceIds = Array.from({ length: count }, (_, i) => `dense-${i}`);
  const child = fork(join(repositoryRoot, "packages/machine/node/fleet-main.ts"), {
    execArgv: ["--import", "tsx"],
    cwd: repositoryRoot,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const running = new Set<string>();
  const started = new Promise<void>((resolve, reject) => {
    child.on("message", (event: FleetEvent) => {
      if (event.kind === "problem") reject(new Error(event.message));
      if (event.kind === "line" && /\] agent of /.test(event.line)) running.add(event.deviceId);
      if (running.size === count) resolve();
    });
    child.once("exit", (code) => reject(new Error(`the fleet's process ended with ${code}`)));
  });
  child.send({ ...config, deviceIds } satisfies FleetConfig);
  try {
    await started;
    await pause(SETTLE_MS);
    return residentKib(child.pid!);
  } finally {
    child.removeAllListeners("exit");
    const exit = once(child, "exit");
    child.send({ kind: "stop" });
    await exit;
  }
}

/** @param folder exists */
export async function measureVirtualDevices(folder: string): Promise<number> {
  const keys = await projectKeys(join(folder, "keys"));
  const { virtualImage } = await buildVirtualRelease({
    version: "1.0.0",
    releaseSequence: 1,
    signingKeys: [keys.release.privateJwk],
  });
  const imagePath = join(folder, "virtual.image");
  writeFileSync(imagePath, virtualImage);
  const config = {
    bootWasmPath: await buildBootWasm(),
    rootKeys: [Buffer.from(keys.root.publicKey).toString("base64url")],
    // Nobody listens there.
    manufacture: { server: { host: "127.0.0.1", port: 9 }, trustChainPath: keys.trustChainPath, imagePath },
  };
  const few = await residentWith(FEW_DEVICES, { ...config, folder: join(folder, "few") });
  const many = await residentWith(MANY_DEVICES, { ...config, folder: join(folder, "many") });
  return Math.round((many - few) / (MANY_DEVICES - FEW_DEVICES));
}
