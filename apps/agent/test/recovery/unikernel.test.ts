// Recovery of a unikernel in QEMU: the real loader, the real serial port, the real release, and the command that a
// technician types.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newFactoryIdentity, SlotState } from "@flipside/image-format";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildLoader } from "../../build/build-loader.ts";
import { type BuiltRelease, buildSignedRelease } from "../../build/build-release.ts";
import { type ProjectKeys, projectKeys } from "../../build/project-keys.ts";
import { PRODUCT, unikernelTarget } from "@flipside/machine/factory/targets";
import { bootBank } from "@flipside/machine/factory/boot-bank";
import { factoryFlash } from "@flipside/machine/factory/factory-flash";
import { unikernelLayout } from "@flipside/machine/factory/flash-layout";
import { Unikernel } from "@flipside/machine/qemu/unikernel";
import { recover } from "@flipside/machine/serial/recover-main";
import { newestRecord } from "../../../../test/power-cut/flash-contents.ts";
import { destroyBothSlots } from "./bench.ts";

const WAIT_MS = 60_000;
const folder = mkdtempSync(join(tmpdir(), "flipside-recover-"));
const socket = join(folder, "serial.sock");
let keys: ProjectKeys;
let release: BuiltRelease;
let device: Unikernel;
beforeAll(async () => {
  keys = await projectKeys(join(folder, "keys"));
  release = await buildSignedRelease({ version: "1.4.0", releaseSequence: 14, signingKeys: [keys.release.privateJwk] });
  writeFileSync(join(folder, "good.release"), release.file);
  const identity = newFactoryIdentity({
    deviceId: "broken-one",
    product: PRODUCT,
    hardware: { name: unikernelTarget.hardwareName, revision: unikernelTarget.revision },
    server: { host: "10.0.2.2", port: 1 },
  });
  const flash = await factoryFlash({
    layout: unikernelLayout,
    identity,
    trustChain: keys.trustChain,
    image: release.unikernelImage,
  });
  await destroyBothSlots(unikernelLayout, flash, release.unikernelImage);
  device = new Unikernel({ folder: join(folder, "device"), network: { kind: "user" }, serialSocketPath: socket });
  device.manufacture(
    bootBank(new Uint8Array(readFileSync((await buildLoader()).binaryPath)), [keys.root.publicKey]),
    flash,
  );
});
afterAll(async () => {
  await device?.cutPower();
  rmSync(folder, { recursive: true, force: true });
});

/** The command's exit status and all that it said. */
async function run(argv: string[]): Promise<{ status: number; said: string }> {
  let said = "";
  const status = await recover(argv, { out: (text) => void (said += text), error: (text) => void (said += text) });
  return { status, said };
}

test("a unikernel whose slots are both destroyed says so, refuses what is not for it, takes the release, and its agent runs on trial", async () => {
  const inRecovery = device.waitForLine(/recovery: code 4 no-image, slot a 14, slot b 14$/, WAIT_MS);
  device.powerOn();
  await inRecovery;

  writeFileSync(join(folder, "virtual.image"), release.virtualImage);
  const other = await run(["--qemu-socket", socket, join(folder, "virtual.image")]);
  expect(other.status).toBe(1);
  expect(other.said).toContain("has no image for flipside-demo on virt-rv32; it has flipside-demo on virtual-node");

  const strangers = await projectKeys(join(folder, "strangers"));
  const foreign = await buildSignedRelease({
    version: "1.4.0",
    releaseSequence: 14,
    signingKeys: [strangers.release.privateJwk],
  });
  writeFileSync(join(folder, "foreign.release"), foreign.file);
  const refused = await run(["--qemu-socket", socket, join(folder, "foreign.release")]);
  expect(refused.status).toBe(1);
  expect(refused.said).toContain("the device refused the image: signature-unknown-key (9)");

  const started = device.waitForLine(/verified [0-9a-f]{16}, starting slot [ab]/, WAIT_MS);
  const onTrial = device.waitForLine(/agent of broken-one, version 1\.4\.0, trial, boot \d+/, WAIT_MS);
  const { status, said } = await run(["--qemu-socket", socket, join(folder, "good.release")]);
  expect(said).toContain("broken-one: flipside-demo on virt-rv32, revision 1, security floor 1");
  expect(said).toContain(
    "in recovery because of no-image (4); slot a: chunk-mismatch (14); slot b: chunk-mismatch (14)",
  );
  expect(said).toMatch(/100 % {2}\d+ of \d+ bytes\nstored in slot [ab] as a candidate/);
  expect(status).toBe(0);
  await started;
  await onTrial;
  await device.cutPower();
  const record = newestRecord(unikernelLayout, readFileSync(device.flashPath))!;
  expect([record.slotState(record.activeSlot), record.slotTries(record.activeSlot)]).toEqual([SlotState.Candidate, 2]);
  expect(device.console.filter((line) => line.includes("\u0002"))).toEqual([]);
}, 120_000);

test("the command line says what it can't use", async () => {
  expect(await run([])).toMatchObject({ status: 2, said: expect.stringContaining("Usage: recover") });
  expect(await run(["--serial", "a", "--qemu-socket", "b", "c"])).toMatchObject({ status: 2 });
  expect(await run(["--speed", "9"])).toMatchObject({ status: 2, said: expect.stringContaining("--speed") });
  expect(await run(["--qemu-socket", join(folder, "nobody"), join(folder, "good.release")])).toMatchObject({
    status: 1,
    said: expect.stringContaining("ENOENT"),
  });
  writeFileSync(join(folder, "no.image"), "nonsense");
  expect(await run(["--qemu-socket", socket, join(folder, "no.image")])).toMatchObject({ status: 1 });
});
