// One unikernel in QEMU on a bench: test builds of the real loader and image, a server on a port, power-ups with cuts
// that its flash driver makes, and after each of them what must hold, read from the flash file.

import { closeSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BootRecord } from "@flipside/image-format";
import type { FlashLayout } from "@flipside/machine/factory/flash-layout";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { realClock } from "@flipside/machine/node/real-clock";
import type { DriverCut } from "@flipside/machine/qemu/fault-plan";
import type { RecordedOperation } from "@flipside/machine/qemu/operation-record";
import { Unikernel } from "@flipside/machine/qemu/unikernel";
import { bootableSlots, imageIn, newestRecord } from "./flash-contents.ts";
import type { UpdateImage } from "./images.ts";
import { ScriptedServer } from "./scripted-server.ts";
import { TcpFront } from "./tcp-front.ts";
import type { UnikernelWorkshop } from "./unikernel-images.ts";

/** A power-up without a cut takes 2 s; one that takes this long will never end. */
const POWER_UP_MS_MAX = 90_000;
const POLL_MS = 500;
const LOOK_MS = 10;

/** "off": QEMU ended without a word. */
export type End = "cut" | "settled" | "recovery" | "late" | "off";

/** A flash, and the secrets that its device may have. */
export interface Snapshot {
  flash: Uint8Array;
  secrets: string[];
}

/** What a flash says, by a reader that shares no code with the device. */
export interface FlashState {
  record: BootRecord | undefined;
  /** Slots that hold a whole, confirmed image at or above the floor. */
  bootable: number[];
}

function flashState(layout: FlashLayout, flash: Uint8Array, images: UpdateImage[]): FlashState {
  const record = newestRecord(layout, flash);
  return { record, bootable: record ? bootableSlots(layout, flash, record, images) : [] };
}

export class UnikernelBench {
  readonly unikernel: Unikernel;
  server!: ScriptedServer;
  /** What did not hold since `insert`. */
  violations: string[] = [];
  powerUps = 0;
  readonly #folder: string;
  readonly #factoryZone: Uint8Array;
  readonly #usedBytes: number;
  #floor = 0;
  #sawRecord = false;
  #confirmed: string | undefined;
  #flash!: Uint8Array;
  /** Slots that the loader started since the power-up began. */
  #started: number[] = [];
  #inRecovery = false;
  #wasCut = false;
  #isOff = false;

  private constructor(
    readonly workshop: UnikernelWorkshop,
    readonly front: TcpFront,
    factory: Uint8Array,
  ) {
    const { offsetBytes, sizeBytes } = workshop.layout.zones.factory;
    this.#factoryZone = factory.slice(offsetBytes, offsetBytes + sizeBytes);
    this.#usedBytes = Math.max(
      ...Object.values(workshop.layout.zones).map((zone) => zone.offsetBytes + zone.sizeBytes),
    );
    this.#folder = mkdtempSync(join(tmpdir(), "flipside-power-cut-"));
    this.unikernel = new Unikernel({ folder: this.#folder, network: { kind: "user" }, flashFaults: true });
    this.unikernel.manufacture(workshop.bootBank, factory);
    this.unikernel.on("line", (line) => {
      const start = /verified ([0-9a-f]+), starting slot ([ab])/.exec(line);
      if (start) this.#starts(start[1]!, start[2] === "a" ? 0 : 1);
    });
    this.unikernel.on("operation", (operation) => this.#mayChange(operation));
    this.unikernel.on("reset", () => (this.#runningSlot = undefined));
    this.unikernel.on("recovery", () => (this.#inRecovery = true));
    this.unikernel.on("cut", () => (this.#wasCut = true));
    this.unikernel.on("stopped", () => (this.#isOff = true));
  }

  #runningSlot: number | undefined;

  static async open(workshop: UnikernelWorkshop): Promise<UnikernelBench> {
    const front = await TcpFront.listen();
    return new UnikernelBench(workshop, front, await workshop.factory(front.port));
  }

  async close(): Promise<void> {
    await this.unikernel.cutPower();
    await this.front.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** What it would hold had it been made for this bench's server: the factory record alone says where that is. */
  #forThisBench(flash: Uint8Array): Uint8Array {
    const copy = flash.slice(0, this.#usedBytes);
    copy.set(this.#factoryZone, this.workshop.layout.zones.factory.offsetBytes);
    return copy;
  }

  /** All zones; what lies behind them is never used. */
  #readFlash(): Uint8Array {
    const bytes = new Uint8Array(this.#usedBytes);
    const file = openSync(this.unikernel.flashPath, "r");
    try {
      if (readSync(file, bytes, 0, bytes.length, 0) !== bytes.length) throw new Error("the flash file is too short");
    } finally {
      closeSync(file);
    }
    return bytes;
  }

  /** Puts a device on the bench that holds this, and a server that wants it to run `image`. */
  async insert(snapshot: Snapshot, image: UpdateImage | undefined, seed: number): Promise<void> {
    await this.unikernel.cutPower();
    this.#flash = this.#forThisBench(snapshot.flash);
    this.unikernel.replaceFlash(this.#flash);
    this.violations = [];
    this.powerUps = 0;
    this.#floor = 0;
    this.#confirmed = undefined;
    this.#sawRecord = newestRecord(this.workshop.layout, this.#flash) !== undefined;
    const { deviceId, claimSecret } = this.workshop.identity;
    this.server = new ScriptedServer(realClock, new SeededRandom(seed), { id: deviceId, claimSecret }, [
      ...snapshot.secrets,
    ]);
    this.server.pollMs = POLL_MS;
    if (image) this.server.deployment = { id: image.digest.slice(0, 20), attempt: 1, image };
    this.server.onCheckIn = (checkIn) => {
      this.#sawFloor(checkIn.floor);
      const { digest, state } = checkIn.running;
      if (this.#confirmed !== undefined && digest !== this.#confirmed)
        this.violations.push(`an image that had been confirmed gave way to ${digest?.slice(0, 8)}`);
      if (digest === image?.digest && state === "confirmed") this.#confirmed = digest;
    };
  }

  get snapshot(): Snapshot {
    return { flash: this.#flash.slice(), secrets: [...this.server.secrets] };
  }

  get operations(): RecordedOperation[] {
    return this.unikernel.recordedOperations;
  }

  /** Powers on, until `cut` comes, `settled` holds, or it has taken too long. The device is off afterwards. */
  async powerUp(cut: DriverCut | undefined, settled: () => boolean): Promise<End> {
    const before = this.#flash;
    this.powerUps++;
    this.#started = [];
    this.#runningSlot = undefined;
    this.#inRecovery = this.#wasCut = this.#isOff = false;
    this.server.lastCheckIn = undefined;
    this.front.server = this.server;
    this.unikernel.armDriverCut(cut);
    this.unikernel.powerOn();
    const deadline = Date.now() + POWER_UP_MS_MAX;
    while (!this.#isOff && !settled() && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const end: End = this.#wasCut
      ? "cut"
      : this.#inRecovery
        ? "recovery"
        : settled()
          ? "settled"
          : this.#isOff
            ? "off"
            : "late";
    await this.unikernel.cutPower();
    this.front.hangUp();
    this.#flash = this.#readFlash();
    this.#check(end, before);
    return end;
  }

  /** Invariants 1 and 5: control passes to a whole, admissible image, by a record that never lowers the floor. */
  #starts(shownDigest: string, slot: number): void {
    const { layout, images } = this.workshop;
    const flash = this.#readFlash();
    this.#started.push(slot);
    this.#runningSlot = slot;
    const { record } = flashState(layout, flash, images);
    if (!record) return void this.violations.push("an image was started without any record");
    this.#sawRecord = true;
    const image = imageIn(layout, flash, slot, images);
    if (!image) this.violations.push(`slot ${slot} was started and does not hold a whole image`);
    else if (!image.digest.startsWith(shownDigest))
      this.violations.push(`slot ${slot} was started as ${shownDigest} and holds ${image.digest.slice(0, 16)}`);
    else if (image.securityCounter < record.securityFloor) this.violations.push("an image below the floor was started");
    this.#sawFloor(record.securityFloor);
  }

  #sawFloor(floor: number): void {
    if (floor < this.#floor) this.violations.push(`the floor fell from ${this.#floor} to ${floor}`);
    this.#floor = Math.max(this.#floor, floor);
  }

  /** Invariant 4: what runs, and what the factory wrote, is never touched. */
  #mayChange({ kind, offset, length }: RecordedOperation): void {
    const running = this.#runningSlot;
    const forbidden = [
      "factory",
      "trust",
      ...(running === undefined
        ? (["slotA", "slotB", "journal", "settings"] as const)
        : [running === 0 ? ("slotA" as const) : ("slotB" as const)]),
    ] as const;
    for (const name of forbidden) {
      const zone = this.workshop.layout.zones[name];
      if (offset < zone.offsetBytes + zone.sizeBytes && offset + length > zone.offsetBytes)
        this.violations.push(
          `${kind} at ${offset} in ${name}, while ${running === undefined ? "the loader" : `slot ${running}`} runs`,
        );
    }
  }

  /** Invariants 2 and 4, after a power-up. */
  #check(end: End, before: Uint8Array): void {
    const { layout, images } = this.workshop;
    if (end === "recovery") this.violations.push("recovery");
    if (end === "off") this.violations.push("QEMU ended by itself");
    if (end === "late") this.violations.push(`nothing came of a power-up in ${POWER_UP_MS_MAX / 1000} s`);
    if (this.front.malformed.length > 0)
      this.violations.push(`sent what is no MQTT: ${this.front.malformed.splice(0).join(", ")}`);
    const same = (name: "factory" | "trust" | "slotA" | "slotB"): boolean => {
      const { offsetBytes, sizeBytes } = layout.zones[name];
      return (
        Buffer.compare(
          before.subarray(offsetBytes, offsetBytes + sizeBytes),
          this.#flash.subarray(offsetBytes, offsetBytes + sizeBytes),
        ) === 0
      );
    };
    for (const name of ["factory", "trust"] as const) if (!same(name)) this.violations.push(`the ${name} zone changed`);
    for (const [slot, name] of [
      [0, "slotA"],
      [1, "slotB"],
    ] as const) {
      // One slot ran all the time, or none did: then the loader alone, which changes neither.
      if (this.#started.every((started) => started === slot) && !same(name))
        this.violations.push(`${name} changed while it ran`);
    }
    const { record, bootable } = flashState(layout, this.#flash, images);
    // No record at all: only before the first one was sealed.
    if (!record && this.#sawRecord) this.violations.push("no record of boot control holds any more");
    if (record && bootable.length === 0) this.violations.push("no confirmed, admissible, whole image is left");
  }
}
