// One contract, two hosts: the test modules as images that the real boot loader verifies and starts, and in the boot
// loader's own place.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildImage, newFactoryIdentity } from "@flipside/image-format";
import { buildBootWasm, buildLoader } from "../../build/build-loader.ts";
import { buildPayloads } from "../../build/build-release.ts";
import { imageFields } from "../../build/image-fields.ts";
import { compileWasm, translateToC } from "../../build/compile-module.ts";
import { linkProgram } from "../../build/link.ts";
import { projectKeys } from "../../build/project-keys.ts";
import { memoryPages, PRODUCT, type Target, unikernelTarget, virtualTarget } from "@flipside/machine/factory/targets";
import { bootBank } from "@flipside/machine/factory/boot-bank";
import { factoryFlash } from "@flipside/machine/factory/factory-flash";
import { type FlashLayout, layoutOf, unikernelLayout } from "@flipside/machine/factory/flash-layout";
import { demoGeometry } from "@flipside/machine/node/manufacture";
import { VirtualDevice } from "@flipside/machine/node/virtual-device";
import { Unikernel } from "@flipside/machine/qemu/unikernel";

export interface ContractPrograms {
  /** boot.wasm, and the loader linked for QEMU: the real ones, and the contract's. */
  loader: { wasm: Uint8Array; program: Uint8Array };
  contractLoader: { wasm: Uint8Array; program: Uint8Array };
  rootKey: Uint8Array;
  /** The factory's flash with the contract's agent and app in slot A. */
  unikernelFlash: Uint8Array;
  virtualFlash: Uint8Array;
  virtualLayout: FlashLayout;
}

const entry = (name: string): string => fileURLToPath(new URL(`assembly/${name}.ts`, import.meta.url));
const read = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

/** `port`: of a server on the loopback that sends back what it gets. `folder`: of the modules, below assembly/. */
export async function buildContract(port: number, folder = ""): Promise<ContractPrograms> {
  const payloads = await buildPayloads({ agentEntry: entry(`${folder}agent`), appEntry: entry(`${folder}app`) });
  const bootWasm = await compileWasm({ name: "boot", entry: entry(`${folder}boot`), memoryPages: memoryPages.boot });
  const bootC = await translateToC("boot", bootWasm, memoryPages.boot);
  const contractLoader = await linkProgram("loader", [{ name: "boot", folder: bootC, memoryPages: memoryPages.boot }]);
  const keysFolder = mkdtempSync(join(tmpdir(), "flipside-contract-keys-"));
  const keys = await projectKeys(keysFolder);
  rmSync(keysFolder, { recursive: true });

  const flashFor = async (target: Target, layout: FlashLayout, payload: Uint8Array): Promise<Uint8Array> => {
    const image = await buildImage({
      fields: imageFields(target, { version: "1.0.0", releaseSequence: 1 }),
      payload,
      signingKeys: [keys.release.privateJwk],
    });
    const identity = newFactoryIdentity({
      deviceId: "contract",
      product: PRODUCT,
      hardware: { name: target.hardwareName, revision: target.revision },
      server: { host: "127.0.0.1", port },
    });
    return factoryFlash({ layout, identity, trustChain: keys.trustChain, image });
  };
  const virtualLayout = layoutOf(demoGeometry);
  return {
    loader: { wasm: read(await buildBootWasm()), program: read((await buildLoader()).binaryPath) },
    contractLoader: { wasm: read(bootWasm), program: read(contractLoader.binaryPath) },
    rootKey: keys.root.publicKey,
    unikernelFlash: await flashFor(unikernelTarget, unikernelLayout, payloads.unikernelPayload),
    virtualFlash: await flashFor(virtualTarget, virtualLayout, payloads.virtualPayload),
    virtualLayout,
  };
}

export interface Outcome {
  lines: string[];
  /** EXO_BOOT_* of each boot after the first. */
  resets: number[];
}

const TIMEOUT_MS = 30_000;

type Device = Pick<VirtualDevice, "powerOn" | "cutPower" | "waitForLine"> | Unikernel;

async function follow(device: Device, lines: string[], end: RegExp): Promise<void> {
  // The first refusal is the end of the wait too: what comes after it may never come.
  const ended = device.waitForLine(end, TIMEOUT_MS).catch((error: Error) => void lines.push(error.message));
  device.powerOn();
  await ended;
  await device.cutPower();
}

export async function runOnNode(
  programs: ContractPrograms,
  which: "loader" | "contractLoader",
  isolation: "worker" | "in-process",
  end: RegExp,
): Promise<Outcome> {
  const device = new VirtualDevice({
    deviceId: "contract",
    layout: programs.virtualLayout,
    flash: { bytes: programs.virtualFlash },
    bootWasm: programs[which].wasm,
    rootKeys: [programs.rootKey],
    isolation,
    resetPauseMs: 0,
  });
  const outcome: Outcome = { lines: [], resets: [] };
  device.on("line", (line) => outcome.lines.push(line));
  device.on("reset", (reason) => outcome.resets.push(reason));
  await follow(device, outcome.lines, end);
  return outcome;
}

const EXIT_BASE = 16;
const WATCHDOG = 5;

export async function runInQemu(
  programs: ContractPrograms,
  which: "loader" | "contractLoader",
  end: RegExp,
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "flipside-contract-"));
  try {
    const device = new Unikernel({ folder, network: { kind: "user" } });
    device.manufacture(bootBank(programs[which].program, [programs.rootKey]), programs.unikernelFlash);
    const outcome: Outcome = { lines: [], resets: [] };
    device.on("line", (line) => outcome.lines.push(line));
    device.on("reset", (status) => outcome.resets.push(status === 0 ? WATCHDOG : status - EXIT_BASE));
    await follow(device, outcome.lines, end);
    return outcome;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function startEcho(): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as AddressInfo).port };
}
