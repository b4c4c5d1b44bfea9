// The connection of the device to the server in its own tab: in memory, at the speed of a link that can be watched.

import { Exo } from "@flipside/machine/abi";
import type { HostClock } from "@flipside/machine/clock";
import { OneStream } from "@flipside/machine/one-stream";
import type { MqttWire } from "../../../../power-cut/src/server/mqtt-wire.ts";

/** Some hundred kilobits a second: chunks come one after the other, and can be watched as they are written. */
const LINK_BYTE_US = 12;
/** What comes at once: a chunk and what is around it come in a few. */
const LINK_BYTES = 2_048;

/** Tells the agent of what has come for it. */
export class WireStreams extends OneStream {
  readonly #wire: MqttWire;
  readonly #clock: HostClock;
  readonly #onEvent: () => void;
  #nothingUntilUs = 0;

  constructor(wire: MqttWire, clock: HostClock, onEvent: () => void) {
    super(() => wire);
    this.#wire = wire;
    this.#clock = clock;
    this.#onEvent = onEvent;
  }

  override read(handle: number, target: Uint8Array): number {
    if (target.length > 0 && this.#wire.hasData && this.#clock.nowUs() < this.#nothingUntilUs) return Exo.Again;
    const taken = super.read(handle, target.subarray(0, LINK_BYTES));
    if (taken > 0 && this.#wire.hasData) {
      const us = LINK_BYTE_US * taken;
      this.#nothingUntilUs = this.#clock.nowUs() + us;
      this.#clock.after(us, this.#onEvent);
    }
    return taken;
  }

  override open(host: string, port: number): number {
    const handle = super.open(host, port);
    this.#onEvent();
    return handle;
  }

  override write(handle: number, source: Uint8Array): number {
    const taken = super.write(handle, source);
    if (this.#wire.hasData) this.#onEvent();
    return taken;
  }

  destroy(): void {
    this.#wire.drop();
  }
}
