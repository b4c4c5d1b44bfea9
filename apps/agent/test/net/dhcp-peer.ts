// A DHCP server played message by message, for the tests of this folder.

import { expect } from "vitest";
import { Random } from "./faults";
import { MAC_ALL, at16, be32, dhcpOption, dhcpReply, parse, udp } from "./frames";
import { A, B, LoneStack } from "./lone-stack";

export const DISCOVER = 1,
  OFFER = 2,
  REQUEST = 3,
  DECLINE = 4,
  ACK = 5,
  NAK = 6;
export const SECOND = 1_000_000;
export const LEASE = [51, 4, ...be32(3600)];
export const SERVER = [54, 4, ...be32(A)];
export const NET = [1, 4, ...be32(0xffffff00), 3, 4, ...be32(A), 6, 4, ...be32(A)];
const serverToAll = { to: MAC_ALL, source: A, destination: 0xffffffff };

/** DHCP messages of the stack among the frames. */
export function dhcpOf(frames: Uint8Array[]): Uint8Array[] {
  return frames
    .map(parse)
    .filter((p) => p.protocol === 17 && at16(p.body, 2) === 67)
    .map((p) => p.body.slice(8));
}
export const typeOf = (message: Uint8Array) => dhcpOption(message, 53)![0];

export function beginning(): LoneStack {
  const s = new LoneStack(new Random(5), false);
  expect(s.stack.exports.start()).toBe(0);
  return s;
}
export function untilMessage(s: LoneStack, seconds = 70): Uint8Array {
  for (let i = 0; i < seconds * 4; ++i) {
    const [message] = dhcpOf(s.wait(SECOND / 4));
    if (message) return message;
  }
  throw new Error("the stack sent no DHCP message");
}
export const reply = (s: LoneStack, message: Uint8Array) => dhcpOf(s.say(udp(serverToAll, 67, 68, message)));

/** Gives `address` with the options to a stack that asks, up to the acknowledgement. */
export function give(s: LoneStack, options: number[], address = B): void {
  const [request] = reply(s, dhcpReply(untilMessage(s), OFFER, address, SERVER));
  expect(typeOf(request!)).toBe(REQUEST);
  reply(s, dhcpReply(request!, ACK, address, options));
}
/** A stack with address B and these options. */
export function bound(options = [...LEASE, ...SERVER, ...NET]): LoneStack {
  const s = beginning();
  give(s, options);
  s.wait(SECOND); // nobody answers its probes
  expect(s.stack.exports.address()).toBe(B);
  return s;
}
