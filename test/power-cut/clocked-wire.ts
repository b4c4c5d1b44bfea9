// A connection in memory between a device's host and a server, on a clock that a test moves: what is sent either way
// arrives a millisecond later.

import { EventEmitter } from "node:events";
import type { HostClock } from "@flipside/machine/clock";

export const WIRE_US = 1_000;

/** Stands for a socket where a device's host needs one (packages/machine/node/streams.ts). */
export class ClockedWire extends EventEmitter {
  readonly writableLength = 0;
  isDown = false;

  constructor(
    readonly clock: HostClock,
    readonly toServer: (bytes: Buffer) => void,
  ) {
    super();
  }

  write(bytes: Uint8Array): boolean {
    this.clock.after(WIRE_US, () => this.isDown || this.toServer(Buffer.from(bytes)));
    return true;
  }

  toDevice(bytes: Uint8Array): void {
    this.clock.after(WIRE_US, () => this.isDown || this.emit("data", Buffer.from(bytes)));
  }

  end(): void {
    this.destroy();
    this.emit("close");
  }

  destroy(): void {
    this.isDown = true;
  }

  pause(): void {}
  resume(): void {}
  isPaused(): boolean {
    return false;
  }
}
