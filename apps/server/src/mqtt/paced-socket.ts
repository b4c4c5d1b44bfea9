// Stands between a socket and the broker, which calls `read()` on it: no packet comes through that is too large, a few
// at a time, and none that the client has no allowance for. What is not read stays in the socket, and then in the
// client.

import type { Duplex } from "node:stream";
import { type Allowance, PACKET_TOKENS } from "./allowance.ts";
import { PacketGuard } from "./packet-guard.ts";

/** What one client brings in one turn of the event loop; a download at full speed has half as many under way. */
export const PACKETS_A_TURN = 8;
/** Read at once: as many small packets, or a large one. */
const READ_BYTES_MAX = 4_096;

export interface PaceOptions {
  packetBytesMax: number;
  /** The client's, which is another one when it is known who it is. */
  allowance: () => Allowance;
  /** A packet is too large; the socket is destroyed. */
  onRefused: () => void;
  /** As many of its messages are dealt with as may be at once; the broker asks again when one is done with. */
  isBusy: () => boolean;
  /** The client has to wait. */
  onPaced: () => void;
}

export function paceSocket(socket: Duplex, options: PaceOptions): void {
  const guard = new PacketGuard(options.packetBytesMax);
  const read = socket.read.bind(socket);
  let isResting = false;
  let isAskedFor = false;

  const goOn = (): void => {
    isResting = false;
    if (!isAskedFor || socket.destroyed) return;
    isAskedFor = false;
    socket.emit("readable");
  };

  /** 0: the next turn of the event loop. */
  function rest(ms: number): void {
    isResting = true;
    if (ms === 0) setImmediate(goOn);
    else setTimeout(goOn, ms).unref();
  }

  function take(): Buffer | null {
    if (options.isBusy()) return null;
    const allowance = options.allowance();
    const { waitMs } = allowance;
    if (waitMs > 0 && socket.readableLength > 0) {
      options.onPaced();
      rest(waitMs);
      isAskedFor = true;
      return null;
    }
    const bytes = read(Math.min(socket.readableLength, READ_BYTES_MAX) || undefined) as Buffer | null;
    if (bytes === null) return null;
    const followed = guard.follow(bytes, Math.min(PACKETS_A_TURN, Math.floor(allowance.tokens / PACKET_TOKENS)));
    if (followed === undefined) {
      options.onRefused();
      socket.destroy();
      return null;
    }
    allowance.spend(followed.packets * PACKET_TOKENS);
    if (followed.end < bytes.length) socket.unshift(bytes.subarray(followed.end));
    if (socket.readableLength > 0) {
      rest(0);
      // Of a part of a packet the broker makes nothing, and so does not ask for more.
      isAskedFor = followed.packets === 0;
    }
    return bytes.subarray(0, followed.end);
  }

  socket.read = (size?: number) => {
    // The stream's own call, which takes nothing: it lets the socket be read on.
    if (size === 0) return read(0) as null;
    if (!isResting) return take();
    isAskedFor = true;
    return null;
  };
}
