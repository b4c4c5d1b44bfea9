// One device on a bench: power-ups with chosen cuts, and after each of them what must hold, read from the flash.

import { BOOT_FLAG_TRUST_A_IN_FLUX, BOOT_FLAG_TRUST_B_IN_FLUX, SlotState } from "@flipside/image-format";
import { MARGINAL_SEED, MarginalBits } from "@flipside/machine/faults/marginal-bits";
import type { FlashOperation, Tear } from "@flipside/machine/faults/torn-operation";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { ManualClock } from "@flipside/machine/clock";
import type { FaultyCells } from "@flipside/machine/flash/faulty-cells";
import { VirtualDevice } from "@flipside/machine/node/virtual-device";
import { bootableSlots, imageIn, newestRecord } from "./flash-contents.ts";
import type { UpdateImage, Workshop } from "./images.ts";
import { ScriptedServer } from "./scripted-server.ts";

/**
 * What is left of the operation at which power goes, besides how it tears:
 *   stable    it reads as it is
 *   unstable  each bit that it would have changed reads differently each time
 *   marginal  one to three of those bits do, all others read as they are
 */
export const afterglows = ["stable", "unstable", "marginal"] as const;
export type Afterglow = (typeof afterglows)[number];

export interface Cut {
  /** Counted from 1 from the power-up. */
  operation: number;
  tear: Tear;
  afterglow: Afterglow;
}

/** How a power-up ended. */
export type End = "cut" | "settled" | "recovery" | "late";

/** A power-up that takes longer by the device's clock will never end. */
const POWER_UP_US_MAX = 30 * 60 * 1_000_000;
const NEVER = Number.MAX_SAFE_INTEGER;

/** Whoever looks at the clock has taken time to do so: a device's own self-test wants to see it move. */
class WorkingClock extends ManualClock {
  #looks = 0;

  override nowUs(): number {
    return super.nowUs() + ++this.#looks;
  }
}

export class Rig {
  readonly clock = new WorkingClock();
  readonly device: VirtualDevice;
  readonly server: ScriptedServer;
  /** What did not hold, in the order in which it was noticed. */
  readonly violations: string[] = [];
  /** Operations of the present or last power-up, oldest first. */
  operations: FlashOperation[] = [];
  powerUps = 0;
  /** Boot counters, epochs and slots of the records that were acted on, oldest first. */
  readonly acted: { bootCounter: number; epoch: number; slot: number }[] = [];
  readonly #random: SeededRandom;
  readonly #factoryBytes: Buffer;
  #flash: FaultyCells | undefined;
  readonly #marginal: MarginalBits;
  #before: { operation: FlashOperation; bytes: Uint8Array } | undefined;
  #running: { slot: number; bytes: Buffer } | undefined;
  #ended: End | undefined;
  #floor = 0;
  #confirmed: string | undefined;

  constructor(
    readonly workshop: Workshop,
    seed: number,
    flash: Uint8Array = workshop.factory,
    secrets: string[] = [],
  ) {
    this.#random = new SeededRandom(seed);
    this.#marginal = new MarginalBits(new SeededRandom(seed ^ MARGINAL_SEED));
    const { identity, layout } = workshop;
    this.server = new ScriptedServer(
      this.clock,
      new SeededRandom(seed ^ 0x5e7),
      { id: identity.deviceId, claimSecret: identity.claimSecret },
      [...secrets],
    );
    this.server.onCheckIn = (checkIn) => {
      this.#sawFloor(checkIn.floor);
      const { digest, state } = checkIn.running;
      if (this.#confirmed !== undefined && digest !== this.#confirmed)
        this.violations.push(`an image that had been confirmed gave way to ${digest?.slice(0, 8)}`);
      if (digest === this.server.deployment?.image.digest && state === "confirmed") this.#confirmed = digest;
    };
    const entropy = new SeededRandom(seed ^ 0xe47);
    this.device = new VirtualDevice({
      deviceId: identity.deviceId,
      layout,
      flash: { bytes: flash },
      bootWasm: workshop.bootWasm,
      rootKeys: [workshop.rootKey],
      isolation: "in-process",
      surroundings: {
        clock: this.clock,
        wallClockS: () => 1_800_000_000,
        entropy: (target) => target.forEach((_, i) => (target[i] = entropy.below(256))),
        connect: (host, port) => this.server.connect(host, port),
      },
    });
    this.#factoryBytes = this.#zone("factory");
    this.device.on("line", (line) => {
      const slot = /verified [0-9a-f]+, starting slot ([ab])/.exec(line)?.[1];
      if (slot !== undefined) this.#starts(slot === "a" ? 0 : 1);
    });
    this.device.on("reset", () => this.#stops());
    this.device.on("recovery", () => (this.#ended = "recovery"));
    this.device.on("cut", (operation) => operation && this.#cut());
  }

  /** Images that a slot may hold besides the workshop's own. */
  moreImages: UpdateImage[] = [];

  get images(): UpdateImage[] {
    return [this.workshop.first, this.workshop.good, this.workshop.next, this.workshop.crashing, ...this.moreImages];
  }

  #zone(name: "factory" | "slotA" | "slotB"): Buffer {
    const { offsetBytes, sizeBytes } = this.workshop.layout.zones[name];
    return Buffer.from(this.device.flashBytes.subarray(offsetBytes, offsetBytes + sizeBytes));
  }

  /** Powers on, until `cut` comes, `settled` holds, or nothing will come any more. The device is off afterwards. */
  async powerUp(cut: Cut | undefined, settled: () => boolean): Promise<End> {
    const { device } = this;
    this.powerUps++;
    this.operations = [];
    this.#ended = undefined;
    this.server.lastCheckIn = undefined;
    this.#plannedAfterglow = cut?.afterglow;
    const seed = this.#random.next();
    // Armed in any case: so bits that are unstable from before read differently from one power-up to the next.
    const wasUnstable = cut?.afterglow === "unstable" || this.#hasUnstable;
    this.#hasUnstable = wasUnstable;
    if (cut || wasUnstable) {
      device.armCut({
        operation: cut?.operation ?? NEVER,
        tear: cut?.tear ?? "nothing",
        seed,
        ...(wasUnstable ? { unstable: true } : {}),
      });
    }
    device.powerOn();
    const done = (): boolean => {
      this.#watchFlash();
      return this.#ended !== undefined || settled();
    };
    const finished = this.clock.runUntil(done, POWER_UP_US_MAX);
    const end = this.#ended ?? (finished && settled() ? "settled" : "late");
    this.#stops();
    await device.cutPower();
    this.#check(end);
    return end;
  }

  #plannedAfterglow: Afterglow | undefined;
  #hasUnstable = false;

  /** A flash object lives as long as a run; each is watched from before its first operation. */
  #watchFlash(): void {
    const flash = this.device.flashCells;
    if (!flash || flash === this.#flash) return;
    this.#flash = flash;
    const read = flash.read.bind(flash);
    flash.read = (offset, target) => {
      read(offset, target);
      this.#marginal.disturb(offset, target);
    };
    flash.onOperation = (operation) => {
      this.operations.push(operation);
      const { offset, length } = operation;
      this.#before = { operation, bytes: flash.bytes.slice(offset, offset + length) };
      this.#marginal.overwritten(operation);
      this.#mayChange(operation);
    };
  }

  /** Invariant 4: what runs, and what the factory wrote, is never touched. */
  #mayChange({ kind, offset, length }: FlashOperation): void {
    this.#mayChangeTrust(offset);
    const forbidden = [
      "factory",
      ...(this.#running ? [this.#running.slot === 0 ? "slotA" : "slotB"] : ["slotA", "slotB", "journal", "settings"]),
    ] as const;
    for (const name of forbidden) {
      const zone = this.workshop.layout.zones[name as "factory"];
      if (offset < zone.offsetBytes + zone.sizeBytes && offset + length > zone.offsetBytes)
        this.violations.push(
          `${kind} at ${offset} in ${name}, while ${this.#running ? "an image runs" : "the loader runs"}`,
        );
    }
  }

  /**
   * The loader leaves the trust chain alone, and an image writes only the copy that the log says is in flux, while the
   * other is not.
   */
  #mayChangeTrust(offset: number): void {
    const zone = this.workshop.layout.zones.trust;
    if (offset < zone.offsetBytes || offset >= zone.offsetBytes + zone.sizeBytes) return;
    const flags = newestRecord(this.workshop.layout, this.device.flashBytes)?.flags ?? 0;
    const isA = offset < zone.offsetBytes + this.workshop.layout.sectorBytes;
    const inFlux = flags & (BOOT_FLAG_TRUST_A_IN_FLUX | BOOT_FLAG_TRUST_B_IN_FLUX);
    if (!this.#running) this.violations.push("the loader changes the trust chain");
    if (inFlux !== (isA ? BOOT_FLAG_TRUST_A_IN_FLUX : BOOT_FLAG_TRUST_B_IN_FLUX))
      this.violations.push(`trust copy ${isA ? "a" : "b"} changes while the flags are ${flags}`);
  }

  #cut(): void {
    this.#ended = "cut";
    if (this.#plannedAfterglow === "marginal" && this.#before)
      this.#marginal.leave(this.#before.operation, this.#before.bytes);
  }

  /** Invariants 1 and 5: control passes to a whole, admissible image, by a record that never lowers the floor. */
  #starts(slot: number): void {
    const flash = this.device.flashBytes;
    const record = newestRecord(this.workshop.layout, flash);
    if (!record) return void this.violations.push("an image was started without any record");
    const image = imageIn(this.workshop.layout, flash, slot, this.images);
    if (!image) this.violations.push(`slot ${slot} was started and does not hold a whole image`);
    else if (image.securityCounter < record.securityFloor) this.violations.push("an image below the floor was started");
    if (record.activeSlot !== slot)
      this.violations.push(`slot ${slot} was started while the newest record says ${record.activeSlot}`);
    if (![SlotState.Confirmed, SlotState.Candidate].includes(record.slotState(slot)))
      this.violations.push(`slot ${slot} was started in state ${record.slotState(slot)}`);
    const last = this.acted.at(-1);
    if (last && record.bootCounter <= last.bootCounter)
      this.violations.push(`the boot counter went from ${last.bootCounter} to ${record.bootCounter}`);
    this.#sawFloor(record.securityFloor);
    this.acted.push({ bootCounter: record.bootCounter, epoch: record.epoch, slot });
    this.#running = { slot, bytes: this.#zone(slot === 0 ? "slotA" : "slotB") };
  }

  #sawFloor(floor: number): void {
    if (floor < this.#floor) this.violations.push(`the floor fell from ${this.#floor} to ${floor}`);
    this.#floor = Math.max(this.#floor, floor);
  }

  #stops(): void {
    if (this.#running && !this.#zone(this.#running.slot === 0 ? "slotA" : "slotB").equals(this.#running.bytes))
      this.violations.push("the running slot changed");
    this.#running = undefined;
  }

  /** Invariants 2 and 4, after a power-up. */
  #check(end: End): void {
    const { layout } = this.workshop;
    if (end === "recovery") this.violations.push("recovery");
    if (end === "late") this.violations.push(`nothing came of a power-up in ${POWER_UP_US_MAX / 60_000_000} min`);
    if (!this.#zone("factory").equals(this.#factoryBytes)) this.violations.push("the factory zone changed");
    const record = newestRecord(layout, this.device.flashBytes);
    // No record at all: only before the first one was sealed.
    if (!record && this.acted.length > 0) this.violations.push("no record of boot control holds any more");
    if (record && bootableSlots(layout, this.device.flashBytes, record, this.images).length === 0)
      this.violations.push("no confirmed, admissible, whole image is left");
  }
}
