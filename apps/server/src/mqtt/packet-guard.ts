// Bounds the MQTT packets that a client may send. The broker's parser collects a packet of any announced length (up to
// 256 MB) before anybody can refuse it, so the fixed header (MQTT 3.1.1, section 2.2) is followed here, ahead of it.

import type { Socket } from "node:net";

export class PacketGuard {
  readonly #maxBytes: number;
  /** Body bytes still to come of the packet that is arriving. */
  #remaining = 0;
  /** -1: a packet's first byte is next; otherwise the number of length bytes read so far. */
  #lengthBytes = -1;
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Follows the stream over `bytes`; false as soon as a packet announces more than the limit. */
  admits(bytes: Uint8Array): boolean {
    let at = 0;
    while (at < bytes.length) {
      if (this.#remaining > 0) {
        const taken = Math.min(this.#remaining, bytes.length - at);
        this.#remaining -= taken;
        at += taken;
      } else if (this.#lengthBytes < 0) {
        this.#lengthBytes = 0;
        this.#length = 0;
        at++;
      } else {
        const byte = bytes[at++]!;
        this.#length += (byte & 0x7f) * 128 ** this.#lengthBytes;
        this.#lengthBytes++;
        if (this.#length > this.#maxBytes || this.#lengthBytes > 4) return false;
        if (byte < 0x80) {
          this.#remaining = this.#length;
          this.#lengthBytes = -1;
        }
      }
    }
    return true;
  }
}

/** Puts a guard between the socket and whoever calls `read()` on it, as the broker does. */
export function guardSocket(socket: Socket, maxBytes: number, onRefused: () => void): void {
  const guard = new PacketGuard(maxBytes);
  const read = socket.read.bind(socket);
  socket.read = (size?: number) => {
    const bytes = read(size) as Buffer | null;
    if (bytes === null || guard.admits(bytes)) return bytes;
    onRefused();
    socket.destroy();
    return null;
  };
}
