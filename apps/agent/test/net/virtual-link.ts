// Two stacks and a link between them in virtual time: nothing waits, and a run with a seed is the same each time.

import { type Random, injure, type Faults } from "./faults";
import { Stack } from "./stack";

const LATENCY_US = 1000;

interface Arrival {
  at: number;
  order: number;
  to: Stack;
  frame: Uint8Array;
}

export class VirtualLink {
  now = 0;
  readonly a: Stack;
  readonly b: Stack;
  faults: Faults = {};
  /** Sees every frame that is sent; false takes it off the link. */
  onFrame: (from: Stack, frame: Uint8Array) => boolean = () => true;
  private arrivals: Arrival[] = [];
  private order = 0;
  private wakeA = 0;
  private wakeB = 0;

  constructor(readonly random: Random) {
    const machine = (last: number, to: () => Stack) => ({
      mac: Uint8Array.of(2, 0, 0, 0, 0, last),
      clock: () => this.now,
      entropy: (bytes: Uint8Array) => random.fill(bytes),
      send: (frame: Uint8Array) => this.send(last === 1 ? this.a : this.b, to(), frame),
    });
    this.a = new Stack(machine(1, () => this.b));
    this.b = new Stack(machine(2, () => this.a));
    this.a.exports.configureStatic(0x0a000001, 0xffffff00, 0, 0);
    this.b.exports.configureStatic(0x0a000002, 0xffffff00, 0, 0);
  }

  /** Puts a frame on its way to a stack, as if somebody on the link had sent it; no faults. */
  inject(to: Stack, frame: Uint8Array): void {
    this.arrivals.push({ at: this.now, order: this.order++, to, frame });
  }

  private send(from: Stack, to: Stack, frame: Uint8Array): void {
    if (!this.onFrame(from, frame)) return;
    for (const { frame: bytes, delayUs } of injure(frame, this.faults, this.random)) {
      this.arrivals.push({ at: this.now + LATENCY_US + delayUs, order: this.order++, to, frame: bytes });
    }
  }

  /** Runs until `done` (asked after every step, it may read and write streams) or until the virtual deadline. */
  run(done: () => boolean, deadlineUs: number): boolean {
    const end = this.now + deadlineUs;
    while (this.now <= end) {
      const due = this.arrivals
        .filter((arrival) => arrival.at <= this.now)
        .sort((x, y) => x.at - y.at || x.order - y.order);
      this.arrivals = this.arrivals.filter((arrival) => arrival.at > this.now);
      for (const arrival of due) arrival.to.deliver(arrival.frame);
      const isDone = (this.a.poll(), this.b.poll(), done());
      this.wakeA = this.now + this.a.poll();
      this.wakeB = this.now + this.b.poll();
      if (isDone) return true;
      const next = Math.min(this.wakeA, this.wakeB, ...this.arrivals.map((arrival) => arrival.at));
      this.now = Math.max(next, this.now + 100);
    }
    return false;
  }
}
