// Images for virtual devices of tests, and devices that have them.

import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  BOOT_RECORD_BYTES,
  BOOT_RECORD_CHECKED_BYTES,
  BOOT_RECORD_SEAL_MAGIC,
  BOOT_RECORD_SEAL_OFFSET,
  BOOT_RECORD_STRIDE_BYTES,
  BootRecord,
  buildImage,
  describeImage,
  readBootRecord,
  SlotState,
  slotParts,
  writeBootRecord,
} from "@flipside/image-format";
import { buildBootWasm } from "../../build/build-loader.ts";
import { imageFields } from "../../build/image-fields.ts";
import { compileWasm } from "../../build/compile-module.ts";
import { agentSources } from "../../build/paths.ts";
import { type ProjectKeys, projectKeys } from "../../build/project-keys.ts";
import { memoryPages, virtualTarget } from "@flipside/machine/factory/targets";
import { buildBundle } from "@flipside/machine/wasm-bundle";
import { type FlashLayout, layoutOf } from "@flipside/machine/factory/flash-layout";
import { demoGeometry, manufactureInMemory } from "@flipside/machine/node/manufacture";
import { VirtualDevice, type VirtualDeviceOptions } from "@flipside/machine/node/virtual-device";

export interface Workshop {
  bootWasm: Uint8Array;
  keys: ProjectKeys;
  layout: FlashLayout;
}

export async function openWorkshop(): Promise<Workshop> {
  const folder = mkdtempSync(join(tmpdir(), "flipside-hosts-"));
  const keys = await projectKeys(folder);
  rmSync(folder, { recursive: true });
  return { bootWasm: readFileSync(await buildBootWasm()), keys, layout: layoutOf(demoGeometry) };
}

/** Entries below assembly/; the app's default is the example. */
export async function imageOf(
  workshop: Workshop,
  modules: {
    agent: string;
    app?: string;
    releaseSequence?: number;
    watchdogMs?: number;
    confirmDeadlineMs?: number;
    contactDeadlineMs?: number;
    payload?: Uint8Array;
  },
): Promise<Uint8Array> {
  const entry = (name: string): string => fileURLToPath(new URL(`assembly/${name}.ts`, import.meta.url));
  const agent = await compileWasm({ name: "agent", entry: entry(modules.agent), memoryPages: memoryPages.agent });
  const app = await compileWasm({
    name: "app",
    entry: modules.app ? entry(modules.app) : join(agentSources, "app/main.ts"),
    memoryPages: memoryPages.app,
  });
  const sequence = modules.releaseSequence ?? 1;
  return buildImage({
    fields: imageFields(virtualTarget, {
      version: `1.0.${sequence}`,
      releaseSequence: sequence,
      deadlines: { watchdogMs: modules.watchdogMs ?? 10_000, ...deadlinesOf(modules) },
    }),
    payload: modules.payload ?? buildBundle(readFileSync(agent), readFileSync(app)),
    signingKeys: [workshop.keys.release.privateJwk],
  });
}

function deadlinesOf({
  confirmDeadlineMs,
  contactDeadlineMs,
}: {
  confirmDeadlineMs?: number;
  contactDeadlineMs?: number;
}) {
  return {
    ...(confirmDeadlineMs === undefined ? {} : { confirmDeadlineMs }),
    ...(contactDeadlineMs === undefined ? {} : { contactDeadlineMs }),
  };
}

export async function flashWith(workshop: Workshop, image: Uint8Array, port = 1883): Promise<Uint8Array> {
  const options = {
    deviceId: "virtual",
    server: { host: "127.0.0.1", port },
    trustChain: workshop.keys.trustChain,
    image,
  };
  return (await manufactureInMemory(options)).flash;
}

export function deviceWith(
  workshop: Workshop,
  deviceId: string,
  flash: VirtualDeviceOptions["flash"],
  more: Partial<VirtualDeviceOptions> = {},
): VirtualDevice {
  return new VirtualDevice({
    deviceId,
    layout: workshop.layout,
    flash,
    bootWasm: workshop.bootWasm,
    rootKeys: [workshop.keys.root.publicKey],
    resetPauseMs: 0,
    ...more,
  });
}

/** Puts an image into slot B and, after the newest record of boot control, one that makes it a candidate. */
export async function makeCandidate(
  layout: FlashLayout,
  flash: Uint8Array,
  image: Uint8Array,
  tries: number,
): Promise<void> {
  const { slotB, bootControl } = layout.zones;
  for (const part of await slotParts(image, layout.sectorBytes)) flash.set(part.bytes, slotB.offsetBytes + part.offset);
  const { record } = newestBootRecord(layout, flash);
  record.page++;
  record.activeSlot = 1;
  record.stateB = SlotState.Candidate;
  record.triesB = tries;
  record.reasonB = 0;
  record.digestB = new Uint8Array(Buffer.from((await describeImage(image)).digest, "hex"));
  const at = bootControl.offsetBytes + record.page * BOOT_RECORD_STRIDE_BYTES;
  writeBootRecord(record, flash, at);
  const check = createHash("sha256")
    .update(flash.subarray(at, at + BOOT_RECORD_CHECKED_BYTES))
    .digest()
    .subarray(0, BOOT_RECORD_BYTES - BOOT_RECORD_CHECKED_BYTES);
  flash.set(check, at + BOOT_RECORD_CHECKED_BYTES);
  new DataView(flash.buffer, flash.byteOffset).setUint32(at + BOOT_RECORD_SEAL_OFFSET, BOOT_RECORD_SEAL_MAGIC, true);
  flash.set(check.subarray(0, 12), at + BOOT_RECORD_SEAL_OFFSET + 4);
}

/** Of the first sector, where a log that is so short still is. */
export function newestBootRecord(layout: FlashLayout, flash: Uint8Array): { record: BootRecord } {
  let newest: BootRecord | undefined;
  for (let page = 0; page < layout.sectorBytes / BOOT_RECORD_STRIDE_BYTES; page++) {
    const record = new BootRecord();
    if (
      readBootRecord(flash, layout.zones.bootControl.offsetBytes + page * BOOT_RECORD_STRIDE_BYTES, record) &&
      record.page === page
    )
      newest = record;
  }
  if (!newest) throw new Error("boot control holds no record in its first sector");
  return { record: newest };
}

/** Resolves when `count` more events of a kind were seen. */
export function events(
  device: VirtualDevice,
  event: "reset" | "cut" | "stopped" | "recovery",
  count: number,
  timeoutMs = 20_000,
): Promise<unknown[]> {
  const seen: unknown[] = [];
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(
          new Error(
            `${seen.length} of ${count} ${event} events of ${device.deviceId}; its last lines:\n${device.console.slice(-10).join("\n")}`,
          ),
        ),
      timeoutMs,
    );
    const listener = (value?: unknown): void => {
      seen.push(value);
      if (seen.length < count) return;
      clearTimeout(timer);
      device.off(event, listener);
      resolve(seen);
    };
    device.on(event, listener);
  });
}
