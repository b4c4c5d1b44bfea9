// TLS handshakes that are under way. Each has a deadline, and when there are too many the oldest gives way: who opens
// connections and says nothing must not keep out who does.

import type { Socket } from "node:net";

const handshakesMax = 512;

const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;

export class Handshakes {
  readonly #max: number;
  /** Oldest first, by the peer's address: what comes out of a handshake is another object. */
  readonly #underWay = new Map<string, Socket>();

  constructor(max = handshakesMax) {
    this.#max = max;
  }

  get size(): number {
    return this.#underWay.size;
  }

  begun(socket: Socket): void {
    const [oldest] = this.#underWay;
    if (this.#underWay.size >= this.#max && oldest !== undefined) {
      this.#underWay.delete(oldest[0]);
      oldest[1].destroy();
    }
    const peer = peerOf(socket);
    this.#underWay.set(peer, socket);
    socket.once("close", () => this.#underWay.get(peer) === socket && this.#underWay.delete(peer));
  }

  done(socket: Socket): void {
    this.#underWay.delete(peerOf(socket));
  }

  /** Of all. */
  end(): void {
    for (const socket of this.#underWay.values()) socket.destroy();
  }
}
