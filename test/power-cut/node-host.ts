// A whole virtual device on the rig: what ships for the Node host, with a clock that stands still until the test moves
// it.

import { BootReason } from "@flipside/machine/abi";
import type { WorkingClock } from "@flipside/machine/clock";
import { PAGE_BYTES } from "@flipside/machine/faults/flash-page";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import type { Reading } from "@flipside/machine/faults/unstable-reads";
import type { FaultyCells } from "@flipside/machine/flash/faulty-cells";
import type { Connect } from "@flipside/machine/node/streams";
import { VirtualDevice } from "@flipside/machine/node/virtual-device";
import type { Cut, DeviceUnderTest, End, Watch } from "../../apps/power-cut/src/rig/device-under-test.ts";
import { FlashPages } from "../../apps/power-cut/src/rig/flash-pages.ts";
import type { Workshop } from "./images.ts";

const noBits = new Uint8Array(PAGE_BYTES);
/** A power-up that takes longer by the device's clock will never end. */
const POWER_UP_US_MAX = 30 * 60 * 1_000_000;

export class NodeHost implements DeviceUnderTest<Cut> {
  readonly device: VirtualDevice;
  readonly #clock: WorkingClock;
  readonly #random: SeededRandom;
  readonly #pages: FlashPages;
  #reading: Reading = "as-new";
  #watch: Watch | undefined;
  #watched: FaultyCells | undefined;
  #ended: End | undefined;

  constructor(workshop: Workshop, seed: number, flash: Uint8Array, clock: WorkingClock, connect: Connect) {
    this.#clock = clock;
    this.#random = new SeededRandom(seed);
    this.#pages = new FlashPages(workshop.layout.sizeBytes);
    const entropy = new SeededRandom(seed ^ 0xe47);
    this.device = new VirtualDevice({
      deviceId: workshop.identity.deviceId,
      layout: workshop.layout,
      flash: { bytes: flash },
      bootWasm: workshop.bootWasm,
      rootKeys: [workshop.rootKey],
      isolation: "in-process",
      surroundings: {
        clock,
        wallClockS: () => 1_800_000_000,
        entropy: (target) => target.forEach((_, i) => (target[i] = entropy.below(256))),
        connect,
      },
    });
    this.device.on("line", (line) => {
      const start = /verified ([0-9a-f]+), starting slot ([ab])/.exec(line);
      if (start) this.#watch?.imageStarts(start[2] === "a" ? 0 : 1, start[1]!);
    });
    this.device.on("reset", (reason) => this.#watch?.loaderBegins(reason));
    this.device.on("recovery", () => (this.#ended = "recovery"));
    this.device.on("cut", (operation) => {
      if (operation) this.#ended = "cut";
    });
  }

  readFlash(): FlashPages {
    const { unstableBits } = this.device;
    if (!unstableBits) return this.#pages.take(this.device.flashBytes);
    return this.#pages.take(this.device.flashBytes, (page) => {
      const bits = unstableBits.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
      return Buffer.compare(bits, noBits) === 0 ? undefined : new Uint32Array(bits.slice().buffer);
    });
  }

  async powerUp(cut: Cut | undefined, isSettled: () => boolean, watch: Watch): Promise<End> {
    const { device } = this;
    this.#watch = watch;
    this.#ended = undefined;
    const seed = this.#random.next();
    device.armCut(cut && { operation: cut.operation, leaves: cut.leaves, seed });
    // What flickers reads otherwise from one power-up to the next.
    device.readUnstable({ reading: this.#reading, seed });
    watch.loaderBegins(BootReason.PowerOn);
    device.powerOn();
    const isDone = (): boolean => {
      this.#watchFlash();
      return this.#ended !== undefined || isSettled();
    };
    const isInTime = this.#clock.runUntil(isDone, POWER_UP_US_MAX);
    const end = this.#ended ?? (isInTime && isSettled() ? "settled" : "late");
    this.#watch = undefined;
    await device.cutPower();
    if (cut && (end as End) === "cut") this.#reading = cut.reading;
    return end;
  }

  /** A flash object lives as long as a run; each is watched from before its first operation. */
  #watchFlash(): void {
    const cells = this.device.flashCells;
    if (!cells || cells === this.#watched) return;
    this.#watched = cells;
    cells.onOperation = (operation) => this.#watch?.operation(operation);
  }
}
