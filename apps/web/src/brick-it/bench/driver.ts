// Lets a bench's time go by at the pace at which people can watch it, and takes orders meanwhile. It knows neither
// worker nor page: whoever has it calls `tick`.

import type { Counters, Order, Snapshot, Speed } from "../snapshot.ts";
import { Auto } from "./auto.ts";
import { Bench } from "./bench.ts";
import type { Demonstration } from "./demonstration.ts";

/** `timesReal`: of the device's time while flash rests. */
const paces: Record<Speed, { operationsPerS: number; timesReal: number; offMs: number }> = {
  slow: { operationsPerS: 4, timesReal: 1, offMs: 2_500 },
  brisk: { operationsPerS: 16, timesReal: 3, offMs: 1_200 },
  fast: { operationsPerS: 5_000, timesReal: 60, offMs: 0 },
};

/** A tab that was in the background does not catch up. */
const TICK_MS_MAX = 100;
/** Of a tick, so that orders are heard. */
const WORK_MS = 14;

const newCounters = (): Counters => ({
  powerCuts: 0,
  powerUps: 0,
  bricked: 0,
  violations: [],
  confirmed: 0,
  rolledBack: 0,
  refused: 0,
  operations: 0,
});

export class Driver {
  readonly #demonstration: Demonstration;
  readonly #nowMs: () => number;
  #bench: Bench;
  #auto: Auto | undefined;
  #speed: Speed = "brisk";
  #lastMs: number;
  /** Operations that may be done by now. */
  #credit = 0;
  #offForMs = 0;
  #isPoweringOn = false;

  constructor(demonstration: Demonstration, seed: number, nowMs: () => number) {
    this.#demonstration = demonstration;
    this.#nowMs = nowMs;
    this.#lastMs = nowMs();
    this.#bench = new Bench(demonstration, seed, newCounters());
  }

  get bench(): Bench {
    return this.#auto?.bench ?? this.#bench;
  }

  snapshot(): Snapshot {
    return this.bench.snapshot(this.#auto !== undefined);
  }

  tick(): void {
    const nowMs = this.#nowMs();
    const passedMs = Math.min(TICK_MS_MAX, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    const { operationsPerS, timesReal, offMs } = paces[this.#speed];
    const { bench } = this;
    if (!bench.device.isOn) return this.#rest(passedMs, offMs);
    this.#offForMs = 0;
    this.#credit = Math.min(this.#credit + (passedMs * operationsPerS) / 1000, Math.max(1, operationsPerS / 10));
    if (this.#credit < 1) return;
    const isLate = (): boolean => this.#nowMs() > nowMs + WORK_MS;
    this.#credit -= bench.advance(passedMs * timesReal * 1000, Math.floor(this.#credit), isLate);
  }

  #rest(passedMs: number, offMs: number): void {
    this.#offForMs += passedMs;
    const auto = this.#auto;
    if (!auto || this.#isPoweringOn || this.#offForMs < offMs) return;
    this.#isPoweringOn = true;
    void auto.powerOn().finally(() => (this.#isPoweringOn = false));
  }

  async obey(order: Order): Promise<void> {
    const { bench } = this;
    switch (order.kind) {
      case "power-on":
        await bench.judged();
        return void bench.powerOn();
      case "pull":
        return bench.pull();
      case "pull-at-next":
        return bench.pullAt(order.operation, order.tear);
      case "disarm":
        return bench.disarm();
      case "update":
        return void bench.update(order.flavour);
      case "flip-bits":
        return bench.flipBits(order.zone);
      case "wear-out":
        return bench.wearOut(order.zone);
      case "speed":
        this.#speed = order.speed;
        return;
      case "make-anew":
        return this.#begin(order.seed, undefined);
      case "auto":
        return this.#begin(order.seed, "auto");
      case "stop-auto":
        return this.#stopAuto();
    }
  }

  /** Another device; what was counted of those before it stays. */
  async #begin(seed: number, how: "auto" | undefined): Promise<void> {
    const { bench } = this;
    this.#stopAuto();
    bench.pull();
    await bench.judged();
    if (how === undefined) this.#bench = new Bench(this.#demonstration, seed, bench.counters);
    else this.#auto = new Auto(this.#demonstration, seed, bench.counters);
  }

  #stopAuto(): void {
    const auto = this.#auto;
    if (!auto) return;
    this.#auto = undefined;
    this.#bench = auto.bench;
    this.#bench.onOver = () => {};
    this.#bench.disarm();
  }
}
