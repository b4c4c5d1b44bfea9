// A device for one test: a small image of its own, signed, flashed by the factory's code, verified and started by the
// real boot loader in QEMU.

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildImage, buildTrustChain, generateSigningKey, newFactoryIdentity } from "@flipside/image-format";
import { buildLoader } from "../../build/build-loader.ts";
import type { ReleaseOptions } from "../../build/build-release.ts";
import { imageFields } from "../../build/image-fields.ts";
import { compileWasm, translateToC } from "../../build/compile-module.ts";
import { linkProgram, type LinkedProgram } from "../../build/link.ts";
import { memoryPages, PRODUCT, unikernelTarget } from "@flipside/machine/factory/targets";
import { bootBank } from "@flipside/machine/factory/boot-bank";
import { factoryFlash } from "@flipside/machine/factory/factory-flash";
import { unikernelLayout } from "@flipside/machine/factory/flash-layout";
import { type QemuEntropy, type QemuNetwork, Unikernel } from "@flipside/machine/qemu/unikernel";

export interface TestProgram {
  program: LinkedProgram;
  loader: LinkedProgram;
  /** Both banks as the factory leaves them. */
  bootBank: Uint8Array;
  flash: Uint8Array;
  /** What slot A holds. */
  image: Uint8Array;
  /** Signs another image for the same device. */
  imageOf(payload: Uint8Array, deadlines?: ReleaseOptions["deadlines"]): Promise<Uint8Array>;
  /** Where runDevice has its files; one run at a time. */
  folder: string;
  remove(): void;
}

/** Builds an image of two modules and the C files with what those import besides exokernel.h. */
export async function buildTestProgram(options: {
  agentEntry: string;
  appEntry: string;
  extraFiles: string[];
  deadlines?: ReleaseOptions["deadlines"];
}): Promise<TestProgram> {
  const agentWasm = await compileWasm({ name: "agent", entry: options.agentEntry, memoryPages: memoryPages.agent });
  const appWasm = await compileWasm({ name: "app", entry: options.appEntry, memoryPages: memoryPages.app });
  const program = await linkProgram(
    "image",
    [
      {
        name: "agent",
        folder: await translateToC("agent", agentWasm, memoryPages.agent),
        memoryPages: memoryPages.agent,
      },
      { name: "app", folder: await translateToC("app", appWasm, memoryPages.app), memoryPages: memoryPages.app },
    ],
    { extraFiles: options.extraFiles },
  );
  const loader = await buildLoader();
  const root = await generateSigningKey();
  const release = await generateSigningKey();
  const trust = {
    trustVersion: 1,
    rootThreshold: 1,
    rootKeys: [root.publicKey],
    releaseKeys: [release.publicKey],
    operationsKeys: [],
  };
  const imageOf = (payload: Uint8Array, deadlines?: ReleaseOptions["deadlines"]): Promise<Uint8Array> =>
    buildImage({
      fields: imageFields(unikernelTarget, { version: "1.0.0", releaseSequence: 1, deadlines }),
      payload,
      signingKeys: [release.privateJwk],
    });
  const image = await imageOf(new Uint8Array(readFileSync(program.binaryPath)), options.deadlines);
  const folder = mkdtempSync(join(tmpdir(), "flipside-device-"));
  return {
    folder,
    image,
    imageOf,
    remove: () => rmSync(folder, { recursive: true, force: true }),
    program,
    loader,
    bootBank: bootBank(new Uint8Array(readFileSync(loader.binaryPath)), [root.publicKey]),
    flash: await factoryFlash({
      layout: unikernelLayout,
      identity: newFactoryIdentity({
        deviceId: "test-device",
        product: PRODUCT,
        hardware: { name: unikernelTarget.hardwareName, revision: unikernelTarget.revision },
        server: { host: "10.0.2.2", port: 1883 },
      }),
      trustChain: await buildTrustChain([{ trust, signedBy: [root.privateJwk] }]),
      image,
    }),
  };
}

/** The path of a file beside a test. */
export function beside(testUrl: string, name: string): string {
  return join(dirname(fileURLToPath(testUrl)), name);
}

export interface Run {
  /** Console lines without their times. */
  lines: string[];
  /** Exit statuses of QEMU: 16 + boot reason, or 0 for the hardware watchdog. */
  resets: number[];
  /** The flash as it was before power was applied, and as it is until the next run. */
  before: Uint8Array;
  readonly after: Uint8Array;
}

/**
 * Makes a device, lets `prepare` change its flash, applies power and lets it run until a line matches. Virtual time
 * counts instructions, so that a run is the same every time.
 */
export async function runDevice(
  built: TestProgram,
  prepare: (flash: Uint8Array) => void,
  until: RegExp,
  options: { network?: QemuNetwork; entropy?: QemuEntropy; timeoutMs?: number } = {},
): Promise<Run> {
  const device = new Unikernel({
    folder: built.folder,
    network: options.network ?? { kind: "none" },
    ...(options.entropy && { entropy: options.entropy }),
    countInstructions: true,
  });
  const before = built.flash.slice();
  prepare(before);
  if (device.isManufactured) overwrite(device.flashPath, before);
  else device.manufacture(built.bootBank, before);
  const lines: string[] = [];
  const resets: number[] = [];
  device.on("line", (line) => lines.push(line.replace(/^\[\d+\] /, "")));
  device.on("reset", (status) => resets.push(status));
  // Without its time, as in `lines`.
  const seen = device.waitForLine(new RegExp(`^(\\[\\d+\\] )?(${until.source})`), options.timeoutMs ?? 20_000);
  try {
    device.powerOn();
    await seen;
  } catch (error) {
    throw new Error(`${(error as Error).message}\nthe first were:\n${lines.slice(0, 40).join("\n")}`);
  } finally {
    await device.cutPower();
  }
  return {
    lines,
    resets,
    before,
    get after() {
      return new Uint8Array(readFileSync(device.flashPath));
    },
  };
}

/** Faster than a new file of 32 MiB for every run. */
function overwrite(path: string, bytes: Uint8Array): void {
  const file = openSync(path, "r+");
  try {
    writeSync(file, bytes);
  } finally {
    closeSync(file);
  }
}
