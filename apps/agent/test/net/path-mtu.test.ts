// Links that take less than the 1500 bytes of ours, with routers that say so, lie about it, or swallow what is too
// large.

import { describe, expect, it } from "vitest";
import { SECOND } from "./dhcp-peer";
import { HOST, Host, address, asking, syns } from "./dns-peer";
import { Random, seedOf } from "./faults";
import { SYN, at16, dnsReply, parse, parseTcp, unreachable } from "./frames";
import { B, LoneStack } from "./lone-stack";
import { StreamState } from "./stack";
import { VirtualLink } from "./virtual-link";

const ROUTER = 0x0a000063;
const PEER = 0x0a000007;
/** Bytes of an IP packet. */
const sizeOf = (frame: Uint8Array) => at16(frame, 16);
const mayFragment = (frame: Uint8Array) => (at16(frame, 20) & 0x4000) === 0;
const mssOf = (frame: Uint8Array) => at16(parse(frame).body, 22);

function connected(link: VirtualLink): number {
  link.a.open(0, "10.0.0.2", 80);
  let server = -1;
  expect(
    link.run(
      () => (
        server < 0 && (server = link.b.exports.accept()), server >= 0 && link.a.exports.state(0) === StreamState.Open
      ),
      30 * SECOND,
    ),
  ).toBe(true);
  return server;
}
/** Sends bytes both ways over a connection that stands, in the given (virtual) time. */
function exchange(link: VirtualLink, server: number, bytes: number, deadlineS: number): void {
  const up = link.random.bytes(bytes),
    down = link.random.bytes(bytes);
  const atA: Uint8Array[] = [],
    atB: Uint8Array[] = [];
  let sentUp = 0,
    sentDown = 0,
    gotA = 0,
    gotB = 0;
  const done = link.run(() => {
    if (sentUp < bytes) sentUp += Math.max(0, link.a.write(0, up.subarray(sentUp, sentUp + 4000)));
    if (sentDown < bytes) sentDown += Math.max(0, link.b.write(server, down.subarray(sentDown, sentDown + 4000)));
    const a = link.a.read(0),
      b = link.b.read(server);
    if (a) gotA += (atA.push(a), a.length);
    if (b) gotB += (atB.push(b), b.length);
    return gotA >= bytes && gotB >= bytes;
  }, deadlineS * SECOND);
  expect(done, `${gotB} bytes up and ${gotA} down of ${bytes}`).toBe(true);
  expect(Buffer.concat(atA).equals(down) && Buffer.concat(atB).equals(up)).toBe(true);
}

/** A path that takes `mtu` bytes. `says`: what its router tells of it, undefined for nothing. */
function narrow(link: VirtualLink, mtu: number, says?: number): { largest: () => number } {
  let largest = 0;
  link.onFrame = (from, frame) => {
    if (at16(frame, 12) !== 0x0800) return true;
    if (sizeOf(frame) <= mtu || (mayFragment(frame) && sizeOf(frame) <= 552)) {
      largest = Math.max(largest, sizeOf(frame));
      return true;
    }
    if (says !== undefined) link.inject(from, unreachable(frame, 4, says, ROUTER));
    return false;
  };
  return { largest: () => largest };
}

describe("a path narrower than the link", () => {
  it.each([
    ["names what it takes", 1300, 1300],
    ["takes what a tunnel leaves, and says so", 1380, 1380],
    ["takes hardly more than every host must, and says so", 580, 580],
    ["takes less than is believed, and has packets fragmented", 300, 300],
    ["does not say how much (RFC 1191 §5)", 1000, 0],
    ["says what can't be", 1300, 1500],
    ["says what is less than any link takes", 1300, 20],
  ])("that %s carries a transfer without a time-out's wait", (_what, mtu, says) => {
    const link = new VirtualLink(new Random(seedOf("path")));
    const server = connected(link);
    const path = narrow(link, mtu, says);
    const from = link.now;
    exchange(link, server, 200_000, 30);
    expect(link.a.counter("PathsNarrowed")).toBeGreaterThan(0);
    expect(path.largest()).toBeGreaterThan(Math.min(mtu, 552) - 100);
    expect((link.now - from) / SECOND).toBeLessThan(10);
  });
  it.each([1480, 1399, 1280, 900, 576])(
    "that swallows what is larger than %d bytes and says nothing carries one all the same",
    (mtu) => {
      const link = new VirtualLink(new Random(seedOf("black hole")));
      const server = connected(link);
      narrow(link, mtu);
      exchange(link, server, 100_000, 60);
    },
  );
  it("that gets narrow in the middle, and loses frames besides, carries one too", () => {
    const link = new VirtualLink(new Random(seedOf("narrow in the middle")));
    const server = connected(link);
    exchange(link, server, 50_000, 60);
    narrow(link, 1200, 1200);
    link.faults = { loss: 0.05, reorder: 0.1, duplicate: 0.05 };
    exchange(link, server, 50_000, 120);
  });
  it("is tried with larger packets again after ten minutes, on the same connection", () => {
    const link = new VirtualLink(new Random(7));
    const server = connected(link);
    const path = narrow(link, 1300, 1300);
    exchange(link, server, 20_000, 30);
    expect(path.largest()).toBe(1300);
    const wide = narrow(link, 1500);
    link.run(() => false, 550 * SECOND);
    exchange(link, server, 20_000, 30);
    expect(wide.largest()).toBe(1300);
    link.run(() => false, 60 * SECOND);
    exchange(link, server, 20_000, 30);
    expect(wide.largest()).toBe(1500);
  });
});

/** A connection of the stack's to a host that it has sent `bytes` to, and the frames of them. */
function sending(bytes: number): { s: LoneStack; host: Host; frames: Uint8Array[] } {
  const s = new LoneStack(new Random(3));
  s.stack.open(0, "10.0.0.1", 1883);
  const host = new Host(s, s.wait(SECOND / 10));
  host.accept();
  s.stack.write(0, new Uint8Array(bytes).fill(7));
  return { s, host, frames: s.wait(SECOND / 20).filter((frame) => (parseTcp(frame)?.data.length ?? 0) > 0) };
}

describe("the word of a router", () => {
  it("counts only when it quotes what is on its way: addresses, ports and number (RFC 5927)", () => {
    const { s, host, frames } = sending(3000);
    const [first] = frames;
    expect(sizeOf(first!)).toBe(1500);
    const changed = (at: number, by: number) => {
      const frame = first!.slice();
      frame[at]! ^= by;
      return frame;
    };
    const lies = [
      changed(26, 1),
      changed(33, 1),
      changed(23, 4),
      changed(34, 1),
      changed(37, 1),
      changed(38, 0x40),
      changed(14, 0x10),
      changed(14, 0x04),
      changed(14, 0x0a),
    ].map((frame) => unreachable(frame, 4, 1000, ROUTER, 28, B));
    lies.push(
      unreachable(first!, 4, 1000, ROUTER, 27),
      unreachable(first!, 4, 1000, ROUTER, 8),
      unreachable(first!, 4, 1000, ROUTER, 0),
    );
    for (const [i, lie] of lies.entries()) {
      const before = s.stack.counter("DroppedIcmp");
      expect(s.say(lie), `lie ${i}`).toEqual([]);
      expect(s.stack.counter("DroppedIcmp"), `lie ${i}`).toBe(before + 1);
    }
    host.acknowledge(3000);
    expect(s.say(unreachable(first!, 4, 1000, ROUTER))).toEqual([]); // it had arrived
    expect(s.stack.counter("PathsNarrowed")).toBe(0);
  });
  it("has what is on its way sent again at once, in pieces that fit", () => {
    const { s, frames } = sending(3000);
    const again = s
      .say(unreachable(frames[0]!, 4, 1200, ROUTER))
      .map((frame) => [sizeOf(frame), parseTcp(frame)!.sequence]);
    expect(again.slice(0, 2)).toEqual([
      [1200, parseTcp(frames[0]!)!.sequence],
      [1200, parseTcp(frames[0]!)!.sequence + 1160],
    ]);
    expect(s.stack.counter("TcpTimeouts")).toBe(0);
  });
  it("makes no packet smaller than 552 bytes, and lets those be fragmented", () => {
    for (const claim of [551, 296, 68]) {
      const { s, frames } = sending(3000);
      expect(frames.every((frame) => !mayFragment(frame))).toBe(true);
      const again = s.say(unreachable(frames[0]!, 4, claim, ROUTER));
      expect(again.map(sizeOf)[0]).toBe(552);
      expect(again.every(mayFragment)).toBe(true);
    }
  });
  it("never makes packets larger than they were", () => {
    const { s, frames } = sending(3000);
    s.say(unreachable(frames[0]!, 4, 1000, ROUTER));
    expect(s.say(unreachable(frames[0]!, 4, 1400, ROUTER))).toEqual([]);
    s.wait(SECOND);
    expect(s.stack.counter("PathsNarrowed")).toBe(1);
  });
  it("ends no connection that stands, and one that is being made: the next address is tried", () => {
    const { s, frames } = sending(100);
    for (const code of [0, 1, 2, 3, 5, 9, 13]) s.say(unreachable(frames[0]!, code, 0, ROUTER));
    expect(s.stack.exports.state(0)).toBe(StreamState.Open);
    const t = new LoneStack(new Random(6));
    t.neighbours.add(PEER).add(PEER + 1);
    const { message, answer } = asking(t, HOST);
    const first = [
      ...answer(dnsReply(message, [address(60, PEER), address(60, PEER + 1)])),
      ...t.wait(SECOND / 10),
    ].findLast((frame) => parseTcp(frame)?.flags === SYN)!;
    expect(syns([...t.say(unreachable(first, 1, 0, ROUTER)), ...t.wait(SECOND / 10)])).toEqual([PEER + 1]);
  });
  it("about many hosts takes no more room than there is", () => {
    const s = new LoneStack(new Random(3));
    for (let i = 0; i < 12; ++i) {
      const ip = 0x0a000010 + i;
      s.neighbours.add(ip);
      s.stack.open(0, `10.0.0.${16 + i}`, 1883);
      const host = new Host(s, s.wait(SECOND / 10));
      host.accept();
      s.stack.write(0, new Uint8Array(1460));
      const frame = s.wait(SECOND / 20).find((candidate) => parseTcp(candidate)?.data.length)!;
      expect(sizeOf(frame)).toBe(1500);
      expect(s.say(unreachable(frame, 4, 600 + i, ROUTER)).map(sizeOf)).toContain(600 + i);
    }
  });
});

describe("a peer whose long segments don't arrive", () => {
  const PING = new Uint8Array(2);
  /** One connection: the peer is heard, what it has to say is too long for the path. Gives the MSS that it was
   * asked to keep to. */
  function deafConnection(s: LoneStack, text: Uint8Array, end: (s: LoneStack, host: Host) => void): number {
    s.stack.open(0, "10.0.0.1", 1883);
    const frames = s.wait(SECOND / 10);
    const syn = frames.find((frame) => parseTcp(frame)?.flags === SYN)!;
    const host = new Host(s, frames);
    host.accept();
    if (text.length > 0) host.say(text);
    s.wait(30 * SECOND);
    s.stack.write(0, PING);
    s.wait(SECOND / 10);
    host.acknowledge(PING.length);
    s.wait(20 * SECOND);
    end(s, host);
    s.wait(20 * SECOND);
    return mssOf(syn);
  }
  const closes = (s: LoneStack) => s.stack.exports.close(0);

  it.each([
    ["after a word", Uint8Array.of(1, 2)],
    ["without a word", new Uint8Array(0)],
  ])("is asked for shorter ones at the next connection, for an hour: %s", (_what, text) => {
    const s = new LoneStack(new Random(3));
    expect([0, 0, 0, 0].map(() => deafConnection(s, text, closes))).toEqual([1460, 1240, 512, 512]);
    s.wait(3600 * SECOND);
    expect(deafConnection(s, text, closes)).toBe(1460);
  });
  it("is told so by a hole that stays, too", () => {
    const s = new LoneStack(new Random(3));
    s.stack.open(0, "10.0.0.1", 1883);
    const host = new Host(s, s.wait(SECOND / 10));
    host.accept();
    host.say(Uint8Array.of(1));
    host.skip(1460);
    s.wait(6 * SECOND);
    host.say(Uint8Array.of(2));
    s.stack.exports.close(0);
    s.wait(20 * SECOND);
    s.stack.open(0, "10.0.0.1", 1883);
    expect(mssOf(s.wait(SECOND / 10).find((frame) => parseTcp(frame)?.flags === SYN)!)).toBe(1240);
  });
  it("is not one that answers, resets, ends in order, or is not heard of at all", () => {
    // biome-ignore format: a table, row by row
    const ends: ((s: LoneStack, host: Host) => void)[] = [
      (s, host) => (host.say(Uint8Array.of(9)), s.stack.exports.close(0)),
      (s, host) => (host.refuse(), s.stack.exports.close(0)),
      (s, host) => (host.say(new Uint8Array(0), true), s.stack.exports.close(0)),
    ];
    for (const end of ends) {
      const s = new LoneStack(new Random(3));
      expect([0, 0, 0].map(() => deafConnection(s, Uint8Array.of(1), end))).toEqual([1460, 1460, 1460]);
    }
    const s = new LoneStack(new Random(3));
    for (let i = 0; i < 3; ++i) {
      s.stack.open(0, "10.0.0.1", 1883);
      const frames = s.wait(SECOND / 10);
      expect(mssOf(frames.find((frame) => parseTcp(frame)?.flags === SYN)!)).toBe(1460);
      const host = new Host(s, frames);
      host.accept();
      host.say(Uint8Array.of(1));
      s.stack.write(0, PING);
      s.wait(40 * SECOND); // nobody answers any more
      s.stack.exports.close(0);
      s.wait(20 * SECOND);
    }
  });
  it("to a listener of ours changes nothing: who connects to us may be anybody", () => {
    const link = new VirtualLink(new Random(5));
    const server = connected(link);
    link.a.write(0, new Uint8Array(10));
    link.run(() => false, 100 * SECOND); // keep-alive is heard, text is not
    link.b.exports.close(server);
    link.run(() => false, 20 * SECOND);
    expect(link.b.counter("PathsNarrowed")).toBe(0);
  });
});
