// How much a device may say in a while: a token bucket. What goes beyond waits, so that one device that floods the
// server takes as much of its time as it may, and no more, whoever else wants some. A whole update at full speed is
// well within it (docs/protocol.md, "How much a device may say").

import type { ThingLeaf } from "@flipside/protocol/thing-topics";
import type { DeviceLeaf } from "@flipside/protocol/topics";

const TOKENS_A_SECOND = 100;
/** What a device has that was silent for a while. */
const TOKENS_MAX = 400;
/** Costs may be known only when a thing is done; so far below nothing they are remembered. */
const TOKENS_MIN = -TOKENS_MAX;
/** Any packet. */
export const PACKET_TOKENS = 1;
/** Of a message that is checked and decided upon, besides its packet: it may change what is stored. */
const CONTROL_TOKENS = 4;
/** A connection: credentials are looked up, and a session is begun and proven. */
export const CONNECTION_TOKENS = 20;
/** Devices that are remembered; who has all of its tokens need not be. */
const DEVICES_MAX = 20_000;
/** Of one device it is said that it has to wait. */
const SAID_EVERY_MS = 60_000;

export const SENDS_TOO_MUCH = `sends more than it may: ${TOKENS_A_SECOND / (PACKET_TOKENS + CONTROL_TOKENS)} messages, or ${TOKENS_A_SECOND} small packets, a second`;

/** Besides the packet's own. A request for chunks costs little, and a download has hundreds of them a second. */
export const leafTokens = (leaf: DeviceLeaf | ThingLeaf): number => (leaf === "fetch" ? 0 : CONTROL_TOKENS);

/** Of one device, over all of its connections. */
export class Allowance {
  readonly #nowMs: () => number;
  #tokens = TOKENS_MAX;
  #atMs: number;
  #saidMs = -Infinity;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#atMs = nowMs();
  }

  /** What there is now; below 0 when more was spent than there was. */
  get tokens(): number {
    const nowMs = this.#nowMs();
    this.#tokens = Math.min(TOKENS_MAX, this.#tokens + ((nowMs - this.#atMs) * TOKENS_A_SECOND) / 1_000);
    this.#atMs = nowMs;
    return this.#tokens;
  }

  get isWhole(): boolean {
    return this.tokens === TOKENS_MAX;
  }

  spend(tokens: number): void {
    this.#tokens = Math.max(TOKENS_MIN, this.tokens - tokens);
  }

  /** Until a packet is allowed; 0: one is. */
  get waitMs(): number {
    return Math.max(0, Math.ceil(((PACKET_TOKENS - this.tokens) * 1_000) / TOKENS_A_SECOND));
  }

  /** Whether it is to be said now that it has to wait; true once a minute at most. */
  sayPaced(): boolean {
    const nowMs = this.#nowMs();
    if (nowMs - this.#saidMs < SAID_EVERY_MS) return false;
    this.#saidMs = nowMs;
    return true;
  }
}

export class Allowances {
  readonly #nowMs: () => number;
  readonly #ofDevice = new Map<string, Allowance>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  of(deviceId: string): Allowance {
    let allowance = this.#ofDevice.get(deviceId);
    if (allowance === undefined) {
      if (this.#ofDevice.size >= DEVICES_MAX) this.#forget();
      allowance = new Allowance(this.#nowMs);
      this.#ofDevice.set(deviceId, allowance);
    }
    return allowance;
  }

  /** Those that have all of theirs, and if that is nobody, all: names may be anybody's invention. */
  #forget(): void {
    for (const [deviceId, allowance] of this.#ofDevice) if (allowance.isWhole) this.#ofDevice.delete(deviceId);
    if (this.#ofDevice.size >= DEVICES_MAX) this.#ofDevice.clear();
  }
}
