// Bounds the MQTT packets that a client may send. The broker's parser collects a packet of any announced length (up to
// 256 MB) before anybody can refuse it, so the fixed headers are followed here, ahead of it.

import { FIXED_HEADER_BYTES_MAX, fixedHeaderEnd, remainingLength } from "@flipside/protocol/mqtt/fixed-header";
import { MalformedPacket } from "@flipside/protocol/mqtt/packet";

export class PacketGuard {
  readonly #maxBytes: number;
  /** Body bytes still to come of the packet that is arriving. */
  #remaining = 0;
  /** Of the next packet's fixed header, as far as it has come. */
  readonly #header = new Uint8Array(FIXED_HEADER_BYTES_MAX);
  #headerBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Follows the stream over `bytes`, but no further than the end of the `packetsMax`-th packet; undefined as soon as a
   * packet has announced more than the limit, or a length that is none.
   */
  follow(bytes: Uint8Array, packetsMax = Infinity): { packets: number; end: number } | undefined {
    let at = 0;
    let packets = 0;
    while (at < bytes.length) {
      if (this.#remaining > 0) {
        const taken = Math.min(this.#remaining, bytes.length - at);
        this.#remaining -= taken;
        at += taken;
      } else {
        this.#header[this.#headerBytes++] = bytes[at++]!;
        const end = this.#headerEnd();
        if (end === undefined) return undefined;
        if (end < 0) continue;
        this.#remaining = remainingLength(this.#header, 0, end);
        this.#headerBytes = 0;
        if (this.#remaining > this.#maxBytes) return undefined;
      }
      if (this.#remaining === 0 && ++packets >= packetsMax) break;
    }
    return { packets, end: at };
  }

  /** -1: not yet; undefined: it can't end. */
  #headerEnd(): number | undefined {
    try {
      return fixedHeaderEnd(this.#header, 0, this.#headerBytes);
    } catch (error) {
      if (error instanceof MalformedPacket) return undefined;
      throw error;
    }
  }
}
