// What a DHCP client meets in the field beside the plain exchange: docs/network.md has the list.

import { describe, expect, it } from "vitest";
import {
  ACK,
  DECLINE,
  DISCOVER,
  LEASE,
  NAK,
  NET,
  OFFER,
  REQUEST,
  SECOND,
  SERVER,
  beginning,
  bound,
  dhcpOf,
  give,
  reply,
  typeOf,
  untilMessage,
} from "./dhcp-peer";
import { Host, queries, syns, wants } from "./dns-peer";
import {
  MAC_A,
  MAC_ALL,
  MAC_B,
  SYN,
  arp,
  at16,
  at32,
  be16,
  be32,
  dhcpOption,
  dhcpReply,
  parse,
  parseTcp,
  tcp,
} from "./frames";
import { A, B, type LoneStack } from "./lone-stack";

const FAR = 0x0b000001;
const ROUTER = 0x0a000101; // not in B's /24
const MASK = [1, 4, ...be32(0xffffff00)];
const router = (...addresses: number[]) => [3, 4 * addresses.length, ...addresses.flatMap(be32)];
const base = [...LEASE, ...SERVER];

/** Where packets to a far host go first: what is asked for by ARP. */
function hops(s: LoneStack, us = 10 * SECOND): number[] {
  s.stack.open(0, "11.0.0.1", 80);
  return [...new Set(wants(s.wait(us)))];
}
/** What a probe or an announcement looks like. */
const arps = (frames: Uint8Array[]) =>
  frames
    .filter((frame) => at16(frame, 12) === 0x0806)
    .map((frame) => ({
      operation: at16(frame, 20),
      sender: at32(frame, 28),
      target: at32(frame, 38),
      toAll: frame[0] === 255,
    }));
const other = Uint8Array.of(2, 7, 7, 7, 7, 7);
/** Another station says to have `address`. */
const holds = (address: number, operation = 2, to = MAC_B) =>
  arp(to, { operation, senderMac: other, sender: address, targetMac: to, target: address });

describe("routers", () => {
  it("outside of the network are reached on the link, with whatever mask", () => {
    for (const mask of [0xffffff00, 0xffffffff, 0xfffffffe]) {
      const s = bound([...base, 1, 4, ...be32(mask), ...router(ROUTER)]);
      s.neighbours.add(ROUTER);
      expect(syns([...s.wait(0), ...(s.stack.open(0, "11.0.0.1", 80), s.wait(SECOND))])).toEqual([FAR]);
    }
  });
  it("that a mask of all ones leaves alone with us carry everything, also to the name server and back", () => {
    const s = bound([...base, 1, 4, ...be32(0xffffffff), ...router(ROUTER), 6, 4, ...be32(ROUTER)]);
    s.neighbours.add(ROUTER);
    s.stack.open(0, "host.example", 80);
    expect(queries(s.wait(SECOND)).map((q) => q.server)).toContain(ROUTER);
  });
  it("are tried one after the other when one has no MAC, and those that can be none are passed over", () => {
    const second = A + 3;
    const s = bound([...base, ...MASK, ...router(0, 0xffffffff, B, 0xe0000001, second)]);
    expect(hops(s)).toEqual([second]);
    const t = bound([...base, ...MASK, ...router(A + 3, A + 4, A)]);
    t.neighbours.add(A);
    t.stack.open(0, "11.0.0.1", 80);
    expect(syns(t.wait(9 * SECOND))).toContain(FAR);
  });
  it("that have a MAC and lead nowhere give way after a failed connection", () => {
    const s = bound([...base, ...MASK, ...router(A, A + 3)]);
    s.stack.open(0, "11.0.0.1", 80);
    s.wait(25 * SECOND);
    expect(hops(s, SECOND)).toEqual([A + 3]);
  });
  it("that are on the link by ARP alone don't make others on it neighbours", () => {
    const s = bound([...base, 1, 4, ...be32(0xffffffff), ...router(ROUTER)]);
    s.stack.open(0, "10.0.0.9", 80);
    expect(wants(s.wait(SECOND))).toEqual(expect.arrayContaining([ROUTER]));
    expect(wants(s.wait(SECOND))).not.toContain(0x0a000009);
  });
});

describe("options", () => {
  it("may stand in parts, which belong together (RFC 3396)", () => {
    const s = bound([...LEASE, 54, 2, 10, 0, ...MASK, 54, 2, 0, 1, 3, 1, 10, 6, 4, ...be32(A), 3, 3, 0, 0, 3]);
    expect(hops(s, SECOND)).toEqual([A + 2]);
  });
  it("may stand in the fields of file and server name (option overload)", () => {
    for (const overload of [1, 2, 3]) {
      const s = beginning();
      const [request] = reply(s, dhcpReply(untilMessage(s), OFFER, B, SERVER));
      const message = dhcpReply(request!, ACK, B, [52, 1, overload, ...SERVER]);
      if ((overload & 1) !== 0)
        message.set([...LEASE, ...MASK, ...(overload === 1 ? router(A + 3) : [3, 2, 10, 0]), 255], 108);
      if ((overload & 2) !== 0)
        message.set([...(overload === 2 ? [...LEASE, ...MASK, ...router(A + 3)] : [3, 2, 0, 4]), 255], 44);
      reply(s, message);
      s.wait(SECOND);
      expect(s.stack.exports.address()).toBe(B);
      expect(hops(s, SECOND)).toEqual([A + 3]);
    }
  });
  it("in those fields are not looked at without the option that says so, and may not run off them", () => {
    const s = beginning();
    const [request] = reply(s, dhcpReply(untilMessage(s), OFFER, B, SERVER));
    const hidden = dhcpReply(request!, ACK, B, SERVER);
    hidden.set([...LEASE, 255], 108);
    reply(s, hidden);
    const long = dhcpReply(request!, ACK, B, [52, 1, 1, ...SERVER, ...LEASE]);
    long.set([12, 200], 108 + 100);
    reply(s, long);
    s.wait(SECOND);
    expect(s.stack.exports.address()).toBe(0);
    expect(s.stack.counter("DroppedDhcp")).toBe(2);
  });
  it("that name no mask, or one with holes, leave that of the address's class", () => {
    for (const mask of [[], [1, 4, ...be32(0xff00ff00)], [1, 4, ...be32(0)], [1, 4, ...be32(0x000000ff)]]) {
      const s = bound([...base, ...mask, ...router(A)]);
      s.stack.open(0, "10.9.9.9", 80); // class A: on the link
      expect(wants(s.wait(SECOND))).toContain(0x0a090909);
    }
  });
  it("that name a smaller MTU have it kept to, where it can be", () => {
    for (const [mtu, mss] of [
      [1400, 1360],
      [575, 1460],
      [9000, 1460],
    ] as const) {
      const s = bound([...base, ...NET, 26, 2, ...be16(mtu)]);
      s.stack.open(0, "10.0.0.1", 80);
      const frame = s.wait(SECOND).find((candidate) => parseTcp(candidate)?.flags === SYN)!;
      expect(at16(parse(frame).body, 22)).toBe(mss);
    }
  });
});

describe("leases", () => {
  it("without an end are kept for ever, and not asked about", () => {
    const s = bound([51, 4, 255, 255, 255, 255, ...SERVER, ...NET]);
    let asked = 0;
    for (let day = 0; day < 60; ++day) asked += dhcpOf(s.wait(86400 * SECOND)).length;
    expect(asked).toBe(0);
    expect(s.stack.exports.address()).toBe(B);
  });
  it.each([
    ["absent", [], 1800, 3150],
    ["later than the lease", [58, 4, ...be32(4000), 59, 4, ...be32(5000)], 1800, 3150],
    ["the wrong way round", [58, 4, ...be32(3000), 59, 4, ...be32(2000)], 1800, 2000],
    ["given", [58, 4, ...be32(100), 59, 4, ...be32(200)], 100, 200],
    ["of a wrong length", [58, 2, 0, 9, 59, 1, 9], 1800, 3150],
  ])("are renewed and rebound at their times when T1 and T2 are %s", (_what, times, t1, t2) => {
    const s = bound([...base, ...NET, ...times]);
    const from = s.now;
    const at: { second: number; toAll: boolean }[] = [];
    while ((s.now - from) / SECOND < 3500) {
      for (const frame of s.wait(SECOND))
        if (parse(frame).protocol === 17) at.push({ second: (s.now - from) / SECOND, toAll: frame[0] === 255 });
    }
    const renew = at[0]!,
      rebind = at.find(({ toAll }) => toAll)!;
    expect(renew.toAll).toBe(false);
    expect(Math.abs(renew.second - t1)).toBeLessThan(2 + t1 / 500);
    expect(Math.abs(rebind.second - t2)).toBeLessThan(2 + t2 / 500);
  });
  it("of a second, or with times of a second, don't have the server asked without end", () => {
    for (const times of [
      [51, 4, ...be32(1)],
      [...LEASE, 58, 4, ...be32(1), 59, 4, ...be32(2)],
    ]) {
      const s = bound([...SERVER, ...NET, ...times]);
      let asked = 0;
      for (let second = 0; second < 100; ++second) {
        for (const message of dhcpOf(s.wait(SECOND))) {
          ++asked;
          reply(s, dhcpReply(message, ACK, B, [...SERVER, ...NET, ...times]));
        }
      }
      expect(asked).toBeLessThanOrEqual(10);
      expect(s.stack.exports.address()).toBe(B);
    }
  });
  it("of another address than the one renewed, or from another server, are not taken", () => {
    const s = bound();
    s.wait(1797 * SECOND);
    const renew = untilMessage(s, 20);
    reply(s, dhcpReply(renew, ACK, B + 1, [...base, ...NET]));
    reply(s, dhcpReply(renew, ACK, B, [...LEASE, 54, 4, ...be32(A + 9), ...NET]));
    s.wait(SECOND);
    expect(s.stack.exports.address()).toBe(B);
    expect(s.stack.counter("DroppedDhcp")).toBe(2);
  });
  it.each([
    ["link-local", 0xa9fe0105, MASK],
    ["loopback", 0x7f000001, MASK],
    ["this network", 5, MASK],
    ["multicast", 0xe0000005, MASK],
    ["everybody", 0xffffffff, MASK],
    ["everybody in the network", 0x0a0000ff, MASK],
    ["the network itself", 0x0a000000, MASK],
    ["the network itself by its class", 0xc0a80500, []],
  ])("of an address that can be no station's are not taken: %s", (_what, given, mask) => {
    const s = beginning();
    expect(reply(s, dhcpReply(untilMessage(s), OFFER, given, [...base, ...mask]))).toEqual([]);
    expect(s.stack.counter("DroppedDhcp")).toBe(1);
  });
  it("of the outer addresses of a network of two are", () => {
    const s = bound([...base, 1, 4, ...be32(0xfffffffe), ...router(B + 1)]);
    expect(B & 1).toBe(0);
    expect(hops(s, SECOND)).toEqual([B + 1]);
  });
});

describe("messages", () => {
  it("of one exchange have one id, and the request the time of its discover; the next exchange has another id", () => {
    const s = beginning();
    untilMessage(s);
    const discover = untilMessage(s);
    expect(at16(discover, 8)).toBeGreaterThanOrEqual(3);
    const [request] = reply(s, dhcpReply(discover, OFFER, B, SERVER));
    const again = untilMessage(s);
    for (const message of [request!, again]) {
      expect(typeOf(message)).toBe(REQUEST);
      expect(message.subarray(4, 10)).toEqual(discover.subarray(4, 10)); // xid, secs
    }
    reply(s, dhcpReply(again, ACK, B, [...base, ...NET]));
    s.wait(1795 * SECOND);
    const renew = untilMessage(s, 20);
    expect(renew.subarray(4, 8)).not.toEqual(discover.subarray(4, 8));
    expect(at16(renew, 8)).toBeLessThan(2);
  });
  it("count no more seconds than fit", () => {
    const s = beginning();
    s.wait(70_000 * SECOND);
    expect(at16(untilMessage(s), 8)).toBe(0xffff);
  });
  it("ask for a broadcast every other time", () => {
    const s = beginning();
    expect([0, 0, 0, 0].map(() => at16(untilMessage(s, 80), 10))).toEqual([0, 0x8000, 0, 0x8000]);
  });
  it("come from nobody until the address stands", () => {
    const s = beginning();
    const frames: Uint8Array[] = [];
    while (dhcpOf(frames).length === 0) frames.push(...s.wait(SECOND / 4));
    expect(frames.filter((frame) => parse(frame).protocol === 17).map((frame) => parse(frame).source)).toEqual([0]);
  });
});

describe("an address that another station has", () => {
  /** A stack that has an acknowledgement, and has not used the address yet. */
  function probing(): LoneStack {
    const s = beginning();
    give(s, [...base, ...NET]);
    return s;
  }

  it("is probed three times before it is used, and announced then", () => {
    const s = probing();
    const sent = arps(s.wait(SECOND));
    // the first one went with the acknowledgement
    expect(sent.filter(({ sender, target }) => sender === 0 && target === B).length).toBeGreaterThanOrEqual(2);
    expect(sent.at(-1)).toEqual({ operation: 1, sender: B, target: B, toAll: true });
    expect(s.stack.exports.address()).toBe(B);
  });
  it.each([
    ["answers", holds(B)],
    ["says so to all", holds(B, 1, MAC_ALL)],
    ["is probing it too", arp(MAC_ALL, { operation: 1, senderMac: other, sender: 0, target: B })],
  ])("is declined when the other %s, and another one is asked for after ten seconds", (_how, frame) => {
    const s = probing();
    s.wait(SECOND / 5);
    const [decline] = dhcpOf(s.say(frame));
    expect(typeOf(decline!)).toBe(DECLINE);
    expect(at32(dhcpOption(decline!, 50)!, 0)).toBe(B);
    expect(at32(dhcpOption(decline!, 54)!, 0)).toBe(A);
    expect(dhcpOption(decline!, 55)).toBeUndefined();
    expect(at32(decline!, 12)).toBe(0);
    const from = s.now;
    expect(typeOf(untilMessage(s))).toBe(DISCOVER);
    expect((s.now - from) / SECOND).toBeGreaterThan(8.9);
    expect((s.now - from) / SECOND).toBeLessThan(12);
    expect(s.stack.exports.address()).toBe(0);
    expect(s.stack.counter("AddressConflicts")).toBe(1);
  });
  it("is not noticed in our own probe that comes back, nor in others' business", () => {
    const s = probing();
    s.say(
      arp(MAC_ALL, { operation: 1, senderMac: MAC_B, sender: 0, target: B }),
      arp(MAC_B, { operation: 2, senderMac: MAC_A, sender: A, targetMac: MAC_B, target: 0 }),
      arp(MAC_ALL, { operation: 1, senderMac: other, sender: 0, target: B + 5 }),
      arp(MAC_ALL, { operation: 1, senderMac: other, sender: A + 7, target: B }),
    );
    s.wait(SECOND);
    expect(s.stack.exports.address()).toBe(B);
  });
  it("time and again is asked for less and less often", () => {
    const s = beginning();
    const waits: number[] = [];
    for (let i = 0; i < 13; ++i) {
      const from = s.now;
      give(s, [...base, ...NET]);
      waits.push((s.now - from) / SECOND);
      s.say(holds(B));
    }
    expect(Math.max(...waits.slice(1, 10))).toBeLessThan(13);
    expect(waits.at(-1)).toBeGreaterThan(58);
  });
  it("is defended once in ten seconds, then given up, with a word to the server", () => {
    const s = bound();
    const first = s.say(holds(B, 1, MAC_ALL));
    expect(arps(first)).toEqual([{ operation: 1, sender: B, target: B, toAll: true }]);
    s.wait(12 * SECOND);
    expect(s.stack.exports.address()).toBe(B);
    expect(arps(s.say(holds(B, 1, MAC_ALL))).length).toBe(1);
    s.wait(3 * SECOND);
    expect(typeOf(dhcpOf(s.say(holds(B, 1, MAC_ALL)))[0]!)).toBe(DECLINE);
    expect(s.stack.exports.address()).toBe(0);
    expect(typeOf(untilMessage(s))).toBe(DISCOVER);
  });
  it("and was given by hand is defended and never given up", () => {
    const s = bound();
    s.stack.exports.configureStatic(B, 0xffffff00, A, A);
    s.take();
    for (let i = 0; i < 5; ++i) s.say(holds(B, 1, MAC_ALL));
    expect(s.stack.exports.address()).toBe(B);
  });
});

describe("another network", () => {
  /** Tries to reach a host every few seconds, as the device does; gives DHCP messages with their times. */
  function calling(
    s: LoneStack,
    seconds: number,
    until: (message: Uint8Array) => boolean = () => false,
  ): Uint8Array | undefined {
    for (let at = 0; at < seconds; at += 5) {
      if (s.stack.exports.state(0) === 2) s.stack.open(0, "11.0.0.1", 80);
      const found = dhcpOf(s.wait(5 * SECOND)).find(until);
      if (found) return found;
    }
    return undefined;
  }
  const isReboot = (message: Uint8Array) => typeOf(message) === REQUEST && at32(message, 12) === 0;

  it("is asked after minutes without contact whether the address is right, and says no: another one is taken at once", () => {
    const s = bound([51, 4, ...be32(7 * 86400), ...SERVER, ...NET]);
    const from = s.now;
    const reboot = calling(s, 600, isReboot)!;
    expect((s.now - from) / SECOND).toBeGreaterThan(60);
    expect((s.now - from) / SECOND).toBeLessThan(300);
    expect(at32(dhcpOption(reboot, 50)!, 0)).toBe(B);
    expect(dhcpOption(reboot, 54)).toBeUndefined();
    reply(s, dhcpReply(reboot, NAK, 0, [54, 4, ...be32(0x0c000001)]));
    expect(s.stack.exports.address()).toBe(0);
    give(s, [...base, ...NET], B + 40);
    s.wait(SECOND);
    expect(s.stack.exports.address()).toBe(B + 40);
  });
  it("is found out by a connection that stood, too, and whose peer is heard of no more", () => {
    const s = bound([51, 4, ...be32(7 * 86400), ...SERVER, ...NET]);
    s.stack.open(0, "11.0.0.1", 80);
    const host = new Host(s, s.wait(SECOND));
    host.accept();
    host.say(Uint8Array.of(1));
    let reboot: Uint8Array | undefined;
    for (let at = 0; at < 300 && !reboot; at += 5) reboot = dhcpOf(s.wait(5 * SECOND)).find(isReboot);
    expect(reboot).toBeDefined();
  });
  it("that says nothing is asked for an address of its own, and the old one kept until there is one", () => {
    const s = bound([51, 4, ...be32(7 * 86400), ...SERVER, ...NET]);
    calling(s, 600, isReboot);
    const discover = calling(s, 200, (message) => typeOf(message) === DISCOVER)!;
    expect(s.stack.exports.address()).toBe(B);
    const [request] = reply(s, dhcpReply(discover, OFFER, 0x0a0000c8, SERVER));
    reply(s, dhcpReply(request!, ACK, 0x0a0000c8, [...base, ...NET]));
    s.wait(SECOND);
    expect(s.stack.exports.address()).toBe(0x0a0000c8);
  });
  it("is the same one when the answer is yes: nothing changes, and it is asked again while nobody answers", () => {
    const s = bound([51, 4, ...be32(7 * 86400), ...SERVER, ...NET]);
    for (let round = 0; round < 3; ++round) {
      const reboot = calling(s, 600, isReboot)!;
      reply(s, dhcpReply(reboot, ACK, B, [51, 4, ...be32(7 * 86400), ...SERVER, ...NET]));
      expect(s.stack.exports.address()).toBe(B);
    }
  });
  it("is not looked for while a peer answers, nor by a device that calls nobody", () => {
    const s = bound([51, 4, ...be32(7 * 86400), ...SERVER, ...NET]);
    expect(dhcpOf(s.wait(3600 * SECOND))).toEqual([]);
    for (let i = 0; i < 60; ++i) {
      s.stack.open(0, "11.0.0.1", 80);
      const host = new Host(s, s.wait(SECOND));
      host.accept();
      host.say(Uint8Array.of(1));
      expect(dhcpOf(s.wait(30 * SECOND))).toEqual([]);
    }
  });
  it("is not looked for any more when contact is back, and the lease goes on", () => {
    const s = bound([51, 4, ...be32(7 * 86400), ...SERVER, ...NET]);
    calling(s, 600, isReboot);
    calling(s, 200, (message) => typeOf(message) === DISCOVER);
    s.stack.open(0, "11.0.0.1", 80);
    const host = new Host(s, s.wait(SECOND));
    host.accept();
    host.say(Uint8Array.of(1));
    expect(dhcpOf(s.wait(100 * SECOND))).toEqual([]);
    expect(s.stack.exports.address()).toBe(B);
  });
  it("in which the lease ends meanwhile has no address", () => {
    const s = bound([51, 4, ...be32(400), ...SERVER, ...NET]);
    calling(s, 420);
    expect(s.stack.exports.address()).toBe(0);
  });
  it("is not found out by a segment from a stranger", () => {
    const s = bound([51, 4, ...be32(7 * 86400), ...SERVER, ...NET]);
    let asked = false;
    for (let at = 0; at < 400 && !asked; at += 5) {
      if (s.stack.exports.state(0) === 2) s.stack.open(0, "11.0.0.1", 80);
      const frames = s.wait(5 * SECOND);
      asked = dhcpOf(frames).some(isReboot);
      s.say(tcp({ source: FAR, destination: B }, { sourcePort: 80, port: 50_000, flags: 16 }));
    }
    expect(asked).toBe(true);
  });
});
