// Somebody who pulls the power again and again, at moments that a seed draws, while one update after the other is
// offered. Which operation, what is left of it, and which update: all of it follows from the seed, whatever the pace.

import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import type { Counters } from "../snapshot.ts";
import { Bench } from "./bench.ts";
import type { Demonstration } from "./demonstration.ts";
import { type Flavour, flavours } from "./geometry.ts";
import { inTheTab } from "./surroundings.ts";

/** An update takes some eighty operations of flash, so power fails a few times in each. */
const OPERATIONS_MAX = 60;
/** One power-up in so many is left alone until its update is over. */
const UNCUT_ONE_IN = 4;
/** Good ones more often than others. */
const offered: readonly Flavour[] = ["healthy", "healthy", "healthy", ...flavours];

export class Auto {
  bench: Bench;
  readonly #demonstration: Demonstration;
  readonly #random: SeededRandom;

  /** `counters` go on over the devices that this one needs. */
  constructor(demonstration: Demonstration, seed: number, counters: Counters) {
    this.#demonstration = demonstration;
    this.#random = new SeededRandom(seed ^ 0xa070);
    this.bench = this.#make(seed, counters);
  }

  /** Applies power where it is off. Resolves when the judge has done with the power-up before. */
  async powerOn(): Promise<void> {
    await this.bench.judged();
    if (this.bench.device.isOn) return;
    if (this.#random.below(UNCUT_ONE_IN) > 0) this.#arm();
    this.bench.powerOn();
  }

  #arm(): void {
    this.bench.pullAt("any", "drawn", 2 + this.#random.below(OPERATIONS_MAX));
  }

  #make(seed: number, counters: Counters): Bench {
    const bench = new Bench(this.#demonstration, inTheTab(this.#demonstration), seed, { counters });
    bench.onOver = () => this.#offer();
    bench.update("healthy");
    return bench;
  }

  /** The next update, or a new device where this one can't be updated further. */
  #offer(): void {
    const { bench } = this;
    if (!bench.device.armed) this.#arm();
    if (bench.update(this.#random.pick(offered))) return;
    bench.onOver = () => {};
    bench.pull();
    void bench.judged().then(() => (this.bench = this.#make(this.#random.next(), bench.counters)));
  }
}
