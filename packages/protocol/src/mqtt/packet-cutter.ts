// Cuts a byte stream that comes in any pieces into whole packets.

import { fixedHeaderEnd, remainingLength } from "./fixed-header.ts";
import { MalformedPacket, Packet } from "./packet.ts";

export class PacketCutter {
  /** The begin of a packet that has not come whole: copies, as a giver's bytes are its own. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** So many are needed before there is more to know of that packet. */
  #neededBytes = 0;
  /** Tells a stream from the one before it, in the middle of its bytes. */
  #stream = 0;

  /**
   * Gives each packet that is whole now to `onPacket`. Packets are views of `bytes` where they came in one piece.
   * Throws MalformedPacket where no next packet can be found; the connection is of no use any more then.
   */
  take(bytes: Uint8Array, onPacket: (packet: Packet) => void): void {
    let at = 0;
    if (this.#heldBytes > 0) {
      if (this.#heldBytes + bytes.length < this.#neededBytes) return this.#hold(bytes, this.#neededBytes);
      bytes = this.#joinedWith(bytes);
    }
    const stream = this.#stream;
    while (at < bytes.length) {
      const bodyAt = fixedHeaderEnd(bytes, at);
      if (bodyAt < 0) return this.#hold(bytes.subarray(at), bytes.length - at + 1);
      const end = bodyAt + remainingLength(bytes, at, bodyAt);
      if (end > bytes.length) return this.#hold(bytes.subarray(at), end - at);
      onPacket(new Packet(bytes, at, bodyAt, end));
      if (stream !== this.#stream) return;
      at = end;
    }
  }

  /** The connection is gone: what follows is another stream. Packets of the old one still in hand are not told. */
  clear(): void {
    this.#held = [];
    this.#heldBytes = 0;
    this.#stream++;
  }

  #hold(bytes: Uint8Array, neededBytes: number): void {
    // Copied so, because `slice` of a Buffer is a view.
    this.#held.push(new Uint8Array(bytes));
    this.#heldBytes += bytes.length;
    this.#neededBytes = neededBytes;
  }

  #joinedWith(bytes: Uint8Array): Uint8Array {
    const all = new Uint8Array(this.#heldBytes + bytes.length);
    let at = 0;
    for (const piece of this.#held) {
      all.set(piece, at);
      at += piece.length;
    }
    all.set(bytes, at);
    this.#held = [];
    this.#heldBytes = 0;
    return all;
  }
}

/** The packets of bytes in which all lie whole; throws MalformedPacket where one does not. */
export function packetsIn(bytes: Uint8Array): Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < bytes.length; at = packets.at(-1)!.end) {
    const bodyAt = fixedHeaderEnd(bytes, at);
    const end = bodyAt < 0 ? Infinity : bodyAt + remainingLength(bytes, at, bodyAt);
    if (end > bytes.length) {
      throw new MalformedPacket(`a packet is cut off: ${bytes.length - at} bytes of it are there`);
    }
    packets.push(new Packet(bytes, at, bodyAt, end));
  }
  return packets;
}
