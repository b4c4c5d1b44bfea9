// What the hardware says of a reset, and what follows from it: a reset button, or a supply that dips so that RAM
// survives, is no crash, however often; a hang that the watchdog ends is one. The real loader on both hosts.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildImage, newFactoryIdentity, SlotState } from "@flipside/image-format";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { newestRecord } from "../../../../test/power-cut/flash-contents.ts";
import { buildLoader } from "../../build/build-loader.ts";
import { buildPayloads } from "../../build/build-release.ts";
import { imageFields } from "../../build/image-fields.ts";
import { PRODUCT, unikernelTarget } from "@flipside/machine/factory/targets";
import { bootBank } from "@flipside/machine/factory/boot-bank";
import { factoryFlash } from "@flipside/machine/factory/factory-flash";
import { unikernelLayout } from "@flipside/machine/factory/flash-layout";
import { BootReason, ResetCause } from "@flipside/machine/abi";
import type { VirtualDevice } from "@flipside/machine/node/virtual-device";
import { Unikernel } from "@flipside/machine/qemu/unikernel";
import { beside } from "../isolation/device.ts";
import { putImage, writeLog } from "../recovery/bench.ts";
import { deviceWith, flashWith, imageOf, openWorkshop, type Workshop } from "./virtual-image.ts";

/** More than the crashes that a confirmed image gives way after, twice over: by then it would be in recovery. */
const TIMES = 12;
const STARTED = /starting slot ([ab])|recovery: code (\d+)/;
const LOADER = /flipside loader .* boot reason (\d+), reset cause (\d+)/;
const TIMEOUT_MS = 20_000;

type Device =
  | Pick<VirtualDevice, "powerOn" | "stop" | "cutPower" | "pressReset" | "waitForLine" | "console">
  | Unikernel;

interface Subject {
  device: Device;
  flash(): Uint8Array;
  layout: Workshop["layout"];
}

let workshop: Workshop;
let folder: string;
let programs: { loader: Uint8Array; payload: Uint8Array };
beforeAll(async () => {
  workshop = await openWorkshop();
  folder = mkdtempSync(join(tmpdir(), "flipside-reset-cause-"));
  const agentEntry = beside(import.meta.url, "assembly/quiet-agent.ts");
  programs = {
    loader: new Uint8Array(readFileSync((await buildLoader()).binaryPath)),
    payload: (await buildPayloads({ agentEntry })).unikernelPayload,
  };
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const opened: Device[] = [];
afterEach(async () => {
  for (const device of opened.splice(0)) await device.cutPower();
});

/** Slot A is confirmed and active; slot B is an older image, confirmed too: what the device would give way to. */
async function onNode(): Promise<Subject> {
  const running = await imageOf(workshop, { agent: "quiet-agent", releaseSequence: 2 });
  const older = await imageOf(workshop, { agent: "quiet-agent" });
  const flash = await flashWith(workshop, running);
  const digestA = await putImage(workshop.layout, flash, "slotA", running);
  const digestB = await putImage(workshop.layout, flash, "slotB", older);
  writeLog(workshop.layout, flash, (record) =>
    Object.assign(record, { stateA: SlotState.Confirmed, stateB: SlotState.Confirmed, digestA, digestB }),
  );
  const device = deviceWith(workshop, "reset-cause", { bytes: flash });
  opened.push(device);
  return { device, flash: () => device.flashBytes, layout: workshop.layout };
}

async function inQemu(): Promise<Subject> {
  const fields = (releaseSequence: number) =>
    imageFields(unikernelTarget, { version: `${releaseSequence}.0.0`, releaseSequence });
  const imageWith = (releaseSequence: number) =>
    buildImage({
      fields: fields(releaseSequence),
      payload: programs.payload,
      signingKeys: [workshop.keys.release.privateJwk],
    });
  const running = await imageWith(2);
  const hardware = { name: unikernelTarget.hardwareName, revision: unikernelTarget.revision };
  const identity = newFactoryIdentity({
    deviceId: "reset-cause",
    product: PRODUCT,
    hardware,
    server: { host: "127.0.0.1", port: 1883 },
  });
  const flash = await factoryFlash({
    layout: unikernelLayout,
    identity,
    trustChain: workshop.keys.trustChain,
    image: running,
  });
  const digestA = await putImage(unikernelLayout, flash, "slotA", running);
  const digestB = await putImage(unikernelLayout, flash, "slotB", await imageWith(1));
  writeLog(unikernelLayout, flash, (record) =>
    Object.assign(record, { stateA: SlotState.Confirmed, stateB: SlotState.Confirmed, digestA, digestB }),
  );
  const device = new Unikernel({ folder, network: { kind: "none" } });
  device.manufacture(bootBank(programs.loader, [workshop.keys.root.publicKey]), flash);
  opened.push(device);
  return { device, flash: () => new Uint8Array(readFileSync(device.flashPath)), layout: unikernelLayout };
}

async function startsBy(
  { device }: Subject,
  bringAbout: () => void | Promise<void>,
): Promise<{ slot: string | undefined; reason: number; cause: number }> {
  const loader = device.waitForLine(LOADER, TIMEOUT_MS);
  const started = device.waitForLine(STARTED, TIMEOUT_MS);
  await bringAbout();
  const [, reason, cause] = LOADER.exec(await loader)!;
  return { slot: STARTED.exec(await started)![1], reason: Number(reason), cause: Number(cause) };
}

describe.each([
  ["on Node", () => onNode()],
  ["in QEMU", inQemu],
] as const)("a confirmed image %s", (_, make) => {
  test("stays through a reset button that is pressed again and again", { timeout: 120_000 }, async () => {
    const subject = await make();
    expect(await startsBy(subject, () => subject.device.powerOn())).toMatchObject({
      slot: "a",
      cause: ResetCause.Power,
    });
    for (let i = 0; i < TIMES; i++)
      expect(await startsBy(subject, () => subject.device.pressReset())).toEqual({
        slot: "a",
        reason: BootReason.Pin,
        cause: ResetCause.Pin,
      });
    await subject.device.stop();
    expect(newestRecord(subject.layout, subject.flash())).toMatchObject({
      activeSlot: 0,
      stateA: SlotState.Confirmed,
      reasonA: 0,
      uncleanBoots: 0,
      flags: 128,
    });
  });

  test("stays through a supply that dips again and again, so that RAM survives", { timeout: 120_000 }, async () => {
    const subject = await make();
    await startsBy(subject, () => subject.device.powerOn());
    for (let i = 0; i < TIMES; i++) {
      const dips = async (): Promise<void> => {
        await subject.device.stop();
        subject.device.powerOn();
      };
      expect(await startsBy(subject, dips)).toEqual({ slot: "a", reason: BootReason.PowerOn, cause: ResetCause.Power });
    }
    await subject.device.stop();
    expect(newestRecord(subject.layout, subject.flash())).toMatchObject({ activeSlot: 0, uncleanBoots: 0 });
  });
});
