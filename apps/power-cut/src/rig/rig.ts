// The rig: a device under test beside its server, power-ups one after the other, and what did not hold in any of them.
// For hosts on which time goes by; the board, which is powered up a million times from states of its own, brings its
// own loop (device/board-under-test.ts) and has the same judge.

import { BootReason, Zone } from "@flipside/machine/abi";
import type { FlashOperation } from "@flipside/machine/faults/flash-operation";
import { type FlashLayout, zoneNames } from "@flipside/machine/factory/flash-layout";
import { FlashChecker } from "../checker/flash-checker.ts";
import { type Defects, type JudgedImage, noDefects, WhatMustHold } from "../checker/what-must-hold.ts";
import type { DeviceUnderTest, End, Watch } from "./device-under-test.ts";

/** What the rig needs to know of the server beside it. */
export interface BesideServer {
  lastCheckIn: { floor: number; running: { digest?: string; state?: string } } | undefined;
  readonly deployment: { image: { digest: string } } | undefined;
  readonly trust: { chain: Uint8Array } | undefined;
  /** How the deployment ended, as check-ins prove it. */
  readonly outcome: string | undefined;
}

/** What is put on the rig: made for one device. */
export interface Workpiece {
  layout: FlashLayout;
  product: string;
  hardware: { name: string; revision: number };
  rootKeys: readonly Uint8Array[];
  /** That may have signed an image. */
  releaseKeys: readonly Uint8Array[];
  /** That a slot may hold. */
  images: readonly JudgedImage[];
}

export class Rig<C> implements Watch {
  /** What did not hold, in the order in which it was noticed. */
  readonly violations: string[] = [];
  /** Of the present or last power-up, oldest first. */
  operations: FlashOperation[] = [];
  powerUps = 0;
  /** Starts of images, and the records that were acted on, oldest first. */
  readonly acted: { bootCounter: number; epoch: number; slot: number }[] = [];
  #defects: Defects = noDefects;
  readonly judge: WhatMustHold;
  readonly #images: Map<string, JudgedImage>;
  readonly #layout: FlashLayout;
  #cuts = 0;
  #running: number | undefined;
  #hasBooted = false;
  #hadRecord: boolean;
  #confirmed: string | undefined;

  constructor(
    readonly host: DeviceUnderTest<C>,
    readonly beside: BesideServer,
    workpiece: Workpiece,
  ) {
    const { layout } = workpiece;
    const images = new Map(workpiece.images.map((each) => [each.digest, each]));
    const { store, ids } = host.readFlash();
    const checker = new FlashChecker({ ...workpiece, pages: store });
    this.#layout = layout;
    this.#images = images;
    this.judge = new WhatMustHold({ layout, checker, ids, images });
    this.#hadRecord = checker.newestRecord(ids) !== undefined;
  }

  /** Powers on, until `cut` comes, `settled` holds, or nothing will come any more. The device is off afterwards. */
  async powerUp(cut: C | undefined, settled: () => boolean): Promise<End> {
    const { beside, judge } = this;
    this.powerUps++;
    this.operations = [];
    this.#running = undefined;
    this.#hasBooted = false;
    beside.lastCheckIn = undefined;
    const before = { ...this.#defects, floor: judge.floor, cuts: this.#cuts, wasOver: beside.outcome !== undefined };
    judge.powerUpBegins({ wishes: this.#wishes(), mayEnrol: true, mayRepairTrust: true }, before);
    const end = await this.host.powerUp(cut, settled, this);
    this.host.readFlash();
    judge.imageEnds();
    if (end === "cut") this.#cuts++;
    if (end === "cut") judge.leftByCut(this.#hadRecord);
    else judge.rests(end === "settled", beside.outcome);
    if (end === "recovery") judge.recovers();
    if (end === "off") judge.violates(3, "the machine ended by itself");
    if (end === "late") judge.violates(3, "nothing came of a power-up");
    this.violations.push(...judge.violations);
    return end;
  }

  /** As they are when somebody looks: a server may change its mind while power is on. */
  #wishes(): { readonly image: JudgedImage | undefined; readonly trustChain: Uint8Array | undefined } {
    const rig = this;
    return {
      get image() {
        return rig.#images.get(rig.beside.deployment?.image.digest ?? "");
      },
      get trustChain() {
        return rig.beside.trust?.chain;
      },
    };
  }

  /** What is wrong with the flash from now on, besides what power cuts left of it. */
  set defects(defects: Defects) {
    this.#defects = defects;
    this.judge.defects = defects;
  }

  /** One more that a slot may hold. */
  learns(image: JudgedImage): void {
    this.#images.set(image.digest, image);
  }

  /** Another deployment than the one before: what that had confirmed may give way to it. */
  deploymentBegins(): void {
    this.#confirmed = undefined;
  }

  // ---- what the host tells
  // ------------------------------------------------------------------------------------------------

  loaderBegins(reason: number): void {
    this.host.readFlash();
    this.judge.imageEnds();
    if (
      this.#hasBooted &&
      this.#running !== undefined &&
      (reason === BootReason.Trap || reason === BootReason.Watchdog)
    )
      this.judge.imageEndsUncleanly(this.#running);
    this.#running = undefined;
    this.#hasBooted = true;
    this.judge.loaderBegins(reason);
  }

  operation(operation: FlashOperation): void {
    this.operations.push(operation);
    const zone = zoneNames.findIndex((name) => {
      const { offsetBytes, sizeBytes } = this.#layout.zones[name];
      return operation.offset < offsetBytes + sizeBytes && operation.offset + operation.length > offsetBytes;
    });
    if (zone === Zone.Trust) this.host.readFlash();
    this.judge.mayChange(operation, zone);
  }

  imageStarts(slot: number, shown: string): void {
    const { ids } = this.host.readFlash();
    const digest = [...this.#images.keys()].find((each) => each.startsWith(shown)) ?? shown;
    this.judge.imageStarts({ slot, digest });
    this.judge.imageRuns(slot);
    this.#running = slot;
    const { checker } = this.judge;
    const record = checker.newestRecord(ids);
    if (checker.imageIn(ids, slot)?.digest !== digest)
      this.judge.violates(1, `slot ${"ab"[slot]} was started and does not hold a whole image`);
    if (!record) return;
    this.#hadRecord = true;
    const last = this.acted.at(-1);
    if (last && record.bootCounter <= last.bootCounter && !this.judge.logIsWorn)
      this.judge.violates(2, `the boot counter went from ${last.bootCounter} to ${record.bootCounter}`);
    this.acted.push({ bootCounter: record.bootCounter, epoch: record.epoch, slot });
  }

  /** What the server is told: to be called with each check-in. */
  checksIn({ floor, running: { digest, state } }: NonNullable<BesideServer["lastCheckIn"]>): void {
    this.judge.saysFloor(floor);
    if (this.#confirmed !== undefined && digest !== this.#confirmed)
      this.judge.violates(2, `an image that had been confirmed gave way to ${digest?.slice(0, 8)}`);
    if (digest === this.beside.deployment?.image.digest && state === "confirmed") this.#confirmed = digest;
  }
}
