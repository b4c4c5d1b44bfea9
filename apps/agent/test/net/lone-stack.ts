// One stack in virtual time; the test is everybody else on the link (station A), frame by frame.

import { MAC_A, MAC_B, at32, arp, parse } from "./frames";
import type { Random } from "./faults";
import { Stack } from "./stack";

export const A = 0x0a000001;
export const B = 0x0a000002;

export class LoneStack {
  now = 0;
  readonly stack: Stack;
  /** What the stack has sent since the last `take`, ARP requests to A answered and left out. */
  private sent: Uint8Array[] = [];
  answersArp = true;
  /** Addresses for which ARP is answered. */
  readonly neighbours = new Set([A]);

  constructor(random: Random, isStatic = true) {
    this.stack = new Stack({
      mac: MAC_B,
      clock: () => this.now,
      entropy: (bytes) => random.fill(bytes),
      send: (frame) => this.hear(frame),
    });
    if (isStatic) {
      this.stack.exports.configureStatic(B, 0xffffff00, A, A);
      this.take();
    }
  }

  private hear(frame: Uint8Array): void {
    const { type, body } = parse(frame);
    if (this.answersArp && type === 0x0806 && body[7] === 1 && this.neighbours.has(at32(body, 24))) {
      this.stack.deliver(
        arp(MAC_B, {
          operation: 2,
          senderMac: MAC_A,
          sender: at32(body, 24),
          targetMac: MAC_B,
          target: at32(body, 14),
        }),
      );
    } else this.sent.push(frame);
  }

  /** Delivers the frames, polls twice (the second time with what ARP told), and gives what was sent. */
  say(...frames: Uint8Array[]): Uint8Array[] {
    for (const frame of frames) this.stack.deliver(frame);
    this.stack.poll();
    this.stack.poll();
    return this.take();
  }

  take(): Uint8Array[] {
    const sent = this.sent;
    this.sent = [];
    return sent;
  }

  /** Lets the time pass in the stack's own steps; gives what was sent. */
  wait(us: number): Uint8Array[] {
    const end = this.now + us;
    const all: Uint8Array[] = [];
    while (true) {
      const sleep = this.stack.poll();
      all.push(...this.take());
      if (this.now >= end) return all;
      this.now = Math.min(end, this.now + Math.max(sleep, 1024));
    }
  }
}
