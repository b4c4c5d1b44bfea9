// Lets a bench's time go by at the pace at which people can watch it, and takes orders meanwhile; that of a device in a
// real fleet goes as time goes by. It knows neither worker nor page: whoever has it calls `tick`.

import { KIB, MIB } from "@flipside/machine/factory/flash-layout";
import type { JoiningDevice } from "../joining-device.ts";
import type { Order, Snapshot, Speed } from "../snapshot.ts";
import { Auto } from "./auto.ts";
import { Bench } from "./bench.ts";
import type { Demonstration, MadeDevice } from "./demonstration.ts";
import { inAFleet } from "./joined.ts";
import { inTheTab } from "./surroundings.ts";

/** `timesReal`: of the device's time while flash rests. `linkBytesPerS`: of one that has joined a fleet. */
const paces: Record<Speed, { operationsPerS: number; timesReal: number; offMs: number; linkBytesPerS: number }> = {
  slow: { operationsPerS: 4, timesReal: 1, offMs: 2_500, linkBytesPerS: 4 * KIB },
  brisk: { operationsPerS: 16, timesReal: 3, offMs: 1_200, linkBytesPerS: 16 * KIB },
  fast: { operationsPerS: 5_000, timesReal: 60, offMs: 0, linkBytesPerS: 8 * MIB },
};

/** A tab that was in the background does not catch up. */
const TICK_MS_MAX = 100;
/** In a fleet it does, unless it was asleep for so long that its connection is gone anyway. */
const BEHIND_US_MAX = 90_000_000;
/** Of a tick, so that orders are heard. */
const WORK_MS = 14;

/** Whose device it is: one with a server in the tab, or one that joins a fleet. */
export type Driven =
  | { demonstration: Demonstration }
  | { made: MadeDevice; joining: Pick<JoiningDevice, "deviceId" | "isSecure"> };

export class Driver {
  readonly #demonstration: Demonstration | undefined;
  readonly #nowMs: () => number;
  #bench: Bench;
  #auto: Auto | undefined;
  #speed: Speed = "brisk";
  #lastMs: number;
  /** Operations that may be done by now. */
  #credit = 0;
  /** Of the time of a device in a fleet. */
  #behindUs = 0;
  #offForMs = 0;
  #isPoweringOn = false;

  constructor(driven: Driven, seed: number, nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#lastMs = nowMs();
    if ("made" in driven) {
      const surroundings = inAFleet(driven.joining, () => paces[this.#speed].linkBytesPerS);
      this.#bench = new Bench(driven.made, surroundings, seed, { isReal: true });
      return;
    }
    this.#demonstration = driven.demonstration;
    this.#bench = new Bench(driven.demonstration, inTheTab(driven.demonstration), seed);
  }

  get bench(): Bench {
    return this.#auto?.bench ?? this.#bench;
  }

  snapshot(): Snapshot {
    return this.bench.snapshot(this.#auto !== undefined);
  }

  tick(): void {
    const nowMs = this.#nowMs();
    const sinceMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    if (this.#demonstration === undefined) return this.#tickReal(sinceMs, nowMs);
    const passedMs = Math.min(TICK_MS_MAX, sinceMs);
    const { operationsPerS, timesReal, offMs } = paces[this.#speed];
    const { bench } = this;
    if (!bench.device.isOn) return this.#rest(passedMs, offMs);
    this.#offForMs = 0;
    this.#credit = Math.min(this.#credit + (passedMs * operationsPerS) / 1000, Math.max(1, operationsPerS / 10));
    if (this.#credit < 1) return;
    const isLate = (): boolean => this.#nowMs() > nowMs + WORK_MS;
    this.#credit -= bench.advance(passedMs * timesReal * 1000, Math.floor(this.#credit), isLate);
  }

  #tickReal(passedMs: number, nowMs: number): void {
    const { bench } = this;
    this.#behindUs = bench.device.isOn ? Math.min(BEHIND_US_MAX, this.#behindUs + 1000 * passedMs) : 0;
    if (this.#behindUs < 1) return;
    const beganUs = bench.clock.waitedUs;
    bench.advance(Math.floor(this.#behindUs), Infinity, () => this.#nowMs() > nowMs + WORK_MS);
    this.#behindUs -= bench.clock.waitedUs - beganUs;
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
    const demonstration = this.#demonstration;
    // In a fleet, another device is another member.
    if (demonstration === undefined) return;
    const { bench } = this;
    this.#stopAuto();
    bench.pull();
    await bench.judged();
    const { counters } = bench;
    if (how === undefined) this.#bench = new Bench(demonstration, inTheTab(demonstration), seed, { counters });
    else this.#auto = new Auto(demonstration, seed, counters);
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
