// A connection over a link of a given rate and delay, by the device's own clock: what the server says stands in one
// queue, as in a radio modem, and a byte that was sent on a connection that is gone still takes its time.

import { Exo, StreamState } from "@flipside/machine/abi";
import type { ByteStream } from "@flipside/machine/one-stream";

/** What a link does from `fromS` on; 0 bytes a second: it stands still. */
export interface LinkPhase {
  fromS: number;
  bytesPerSecond: number;
}

export interface Link {
  phases: readonly LinkPhase[];
  /** One way. */
  delayMs: number;
}

/** Of what stands behind: bytes for the device. */
export interface Inner extends ByteStream {
  readonly hasData: boolean;
}

const SEGMENT_BYTES = 500;

export class SlowLink implements ByteStream {
  /** In the first run: bytes that the server sent, and connections that were opened. */
  sentBytes = 0;
  connections = 0;
  runs = 0;
  readonly #inner: Inner;
  #link: Link;
  readonly #nowUs: () => number;
  #toDevice: { atUs: number; bytes: Uint8Array }[] = [];
  #toServer: { atUs: number; bytes: Uint8Array }[] = [];
  #busyUntilUs = 0;
  /** Cut at this moment, once. */
  cutAtUs = Infinity;

  constructor(inner: Inner, link: Link, nowUs: () => number) {
    this.#inner = inner;
    this.#link = link;
    this.#nowUs = nowUs;
  }

  /** The device's clock begins anew. What follows the first run is not what is measured: its link is fast. */
  beginRun(): void {
    this.#forget();
    this.#busyUntilUs = 0;
    if (this.runs++ > 0) this.#link = { phases: [{ fromS: 0, bytesPerSecond: 1e9 }], delayMs: 0 };
  }

  /** When something will happen by itself. */
  get nextUs(): number {
    return Math.min(this.#toDevice[0]?.atUs ?? Infinity, this.#toServer[0]?.atUs ?? Infinity, this.cutAtUs);
  }

  /** Does what is due. */
  advance(): void {
    const nowUs = this.#nowUs();
    if (nowUs >= this.cutAtUs) {
      this.cutAtUs = Infinity;
      this.#forget();
      this.#inner.close();
    }
    while (this.#toServer.length > 0 && this.#toServer[0]!.atUs <= nowUs) {
      this.#inner.write(this.#toServer.shift()!.bytes);
      this.#collect();
    }
  }

  open(host: string, port: number): void {
    this.#forget();
    if (this.runs === 1) this.connections++;
    this.#inner.open(host, port);
  }

  state(): number {
    return this.#inner.state() === StreamState.Closed && this.#toDevice.length > 0
      ? StreamState.Open
      : this.#inner.state();
  }

  read(target: Uint8Array): number {
    this.advance();
    const first = this.#toDevice[0];
    if (target.length === 0) return 0;
    if (!first || first.atUs > this.#nowUs())
      return this.#inner.state() === StreamState.Closed && !first ? Exo.Closed : Exo.Again;
    const length = Math.min(target.length, first.bytes.length);
    target.set(first.bytes.subarray(0, length));
    if (length === first.bytes.length) this.#toDevice.shift();
    else first.bytes = first.bytes.subarray(length);
    return length;
  }

  write(bytes: Uint8Array): number {
    if (this.#inner.state() !== StreamState.Open) return Exo.Closed;
    this.#toServer.push({ atUs: this.#resumes(this.#nowUs()) + this.#link.delayMs * 1000, bytes: bytes.slice() });
    return bytes.length;
  }

  close(): void {
    this.#forget();
    this.#inner.close();
  }

  #forget(): void {
    this.#toDevice = [];
    this.#toServer = [];
  }

  /** Puts what the server has just said on the link. */
  #collect(): void {
    const buffer = new Uint8Array(SEGMENT_BYTES);
    for (let length = this.#inner.read(buffer); length > 0; length = this.#inner.read(buffer)) {
      if (this.runs === 1) this.sentBytes += length;
      this.#busyUntilUs = this.#passes(Math.max(this.#busyUntilUs, this.#nowUs()), length);
      this.#toDevice.push({ atUs: this.#busyUntilUs + this.#link.delayMs * 1000, bytes: buffer.slice(0, length) });
    }
  }

  #phase(atUs: number): { now: LinkPhase; untilUs: number } {
    const { phases } = this.#link;
    const index = phases.findLastIndex(({ fromS }) => fromS * 1e6 <= atUs);
    return { now: phases[Math.max(0, index)]!, untilUs: (phases[Math.max(0, index) + 1]?.fromS ?? Infinity) * 1e6 };
  }

  #resumes(atUs: number): number {
    for (;;) {
      const { now, untilUs } = this.#phase(atUs);
      if (now.bytesPerSecond > 0) return atUs;
      atUs = untilUs;
    }
  }

  /** When so many bytes are through that begin at `atUs`. */
  #passes(atUs: number, bytes: number): number {
    for (let left = bytes; ; ) {
      atUs = this.#resumes(atUs);
      const { now, untilUs } = this.#phase(atUs);
      const doneUs = atUs + (left / now.bytesPerSecond) * 1e6;
      if (doneUs <= untilUs) return doneUs;
      left -= ((untilUs - atUs) / 1e6) * now.bytesPerSecond;
      atUs = untilUs;
    }
  }
}
