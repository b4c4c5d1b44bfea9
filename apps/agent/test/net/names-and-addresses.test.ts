// DHCP and DNS against servers played frame by frame, honest and not.

import { describe, expect, it } from "vitest";
import {
  ACK,
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
  reply,
  typeOf,
  untilMessage,
} from "./dhcp-peer";
import { HOST, Host, address, asking, queries, syns, wants } from "./dns-peer";
import { Random } from "./faults";
import { at16, at32, be16, be32, dhcpOption, dhcpReply, dnsReply, name, parse, record, udp } from "./frames";
import { A, B, LoneStack } from "./lone-stack";
import { Errno, StreamState } from "./stack";

const fromServer = { source: A, destination: B };
const PEER = 0x0a000007;

describe("DHCP", () => {
  it("asks, accepts an offer, requests it by name and has the address when nobody else says to have it", () => {
    const s = beginning();
    const discover = untilMessage(s);
    expect(typeOf(discover)).toBe(DISCOVER);
    expect(discover.length).toBeGreaterThanOrEqual(300);
    const [request] = reply(s, dhcpReply(discover, OFFER, B, [...SERVER, ...LEASE]));
    expect(typeOf(request!)).toBe(REQUEST);
    expect(at32(dhcpOption(request!, 50)!, 0)).toBe(B);
    expect(at32(dhcpOption(request!, 54)!, 0)).toBe(A);
    expect(s.stack.exports.address()).toBe(0);
    reply(s, dhcpReply(request!, ACK, B, [...LEASE, ...SERVER, ...NET]));
    expect(s.stack.exports.address()).toBe(0);
    s.wait(SECOND);
    expect(s.stack.exports.address()).toBe(B);
  });
  it("asks again, ever more slowly, while nobody answers", () => {
    const s = beginning();
    untilMessage(s);
    const gaps = [0, 0, 0, 0, 0, 0].map(() => {
      const from = s.now;
      untilMessage(s, 80);
      return (s.now - from) / SECOND;
    });
    [4, 8, 16, 32, 64, 64].forEach((expected, i) =>
      expect(Math.abs(gaps[i]! - expected)).toBeLessThan(2 + expected * 0.03),
    );
  });
  it("starts over when what it requests is refused, and after four unanswered requests", () => {
    const s = beginning();
    const [request] = reply(s, dhcpReply(untilMessage(s), OFFER, B, SERVER));
    reply(s, dhcpReply(request!, NAK, 0, SERVER));
    expect(typeOf(untilMessage(s))).toBe(DISCOVER);
    const t = beginning();
    reply(t, dhcpReply(untilMessage(t), OFFER, B, SERVER));
    const types = [0, 0, 0, 0].map(() => typeOf(untilMessage(t)));
    expect(types).toEqual([REQUEST, REQUEST, REQUEST, DISCOVER]);
  });
  it("renews at T1 with its server, rebinds at T2 with any, and gives the address up when the lease ends", () => {
    const s = bound();
    s.wait(1790 * SECOND);
    const renew = untilMessage(s, 20);
    expect(s.now / SECOND).toBeGreaterThan(1795);
    expect(at32(renew, 12)).toBe(B);
    expect(dhcpOption(renew, 50)).toBeUndefined();
    expect(s.now / SECOND).toBeLessThan(1801);
    while (s.now < 3140 * SECOND) s.wait(SECOND);
    const rebind = s.wait(20 * SECOND).find((frame) => frame[0] === 255 && parse(frame).protocol === 17);
    expect(rebind).toBeDefined();
    expect(s.stack.exports.address()).toBe(B);
    while (s.now < 3602 * SECOND) s.wait(SECOND);
    expect(s.stack.exports.address()).toBe(0);
    expect(typeOf(untilMessage(s))).toBe(DISCOVER);
  });
  it("keeps the address for another lease when a renewal is acknowledged", () => {
    const s = bound();
    s.wait(1790 * SECOND);
    reply(s, dhcpReply(untilMessage(s, 20), ACK, B, [...LEASE, ...SERVER, ...NET]));
    s.wait(1700 * SECOND);
    expect(s.stack.exports.address()).toBe(B);
  });
  it("drops, and counts, messages that run off their end, are others', or give what can be no address", () => {
    const s = beginning();
    const discover = untilMessage(s);
    const good = dhcpReply(discover, OFFER, B, [...SERVER, ...LEASE]);
    const changed = (at: number, value: number) => {
      const m = good.slice();
      m[at] = value;
      return m;
    };
    const bad = [
      good.subarray(0, 239),
      good.subarray(0, 240),
      new Uint8Array(0),
      changed(0, 1),
      changed(2, 16),
      changed(4, discover[4]! ^ 1),
      changed(28, 9),
      changed(236, 0),
      dhcpReply(discover, OFFER, B, [54, 200, 1]),
      dhcpReply(discover, OFFER, B, [...SERVER, 51], false),
      dhcpReply(discover, OFFER, B, [54, 255], false),
      dhcpReply(discover, OFFER, 0, SERVER),
      dhcpReply(discover, OFFER, 0xffffffff, SERVER),
      dhcpReply(discover, OFFER, 0xe0000001, SERVER),
      dhcpReply(discover, OFFER, B, LEASE),
      dhcpReply(discover, ACK, B, [...SERVER, ...LEASE]),
      dhcpReply(discover, 99, B, SERVER),
    ];
    bad.forEach((message, i) => {
      const before = s.stack.counter("DroppedDhcp");
      expect(reply(s, message), `message ${i}`).toEqual([]);
      expect(s.stack.counter("DroppedDhcp"), `message ${i}`).toBe(before + 1);
    });
    expect(typeOf(reply(s, good)[0]!)).toBe(REQUEST);
  });
  it("takes no acknowledgement for another address, from another server, or without a lease", () => {
    const s = beginning();
    const [request] = reply(s, dhcpReply(untilMessage(s), OFFER, B, SERVER));
    reply(s, dhcpReply(request!, ACK, B + 1, [...LEASE, ...SERVER, ...NET]));
    reply(s, dhcpReply(request!, ACK, B, [...LEASE, 54, 4, ...be32(A + 9), ...NET]));
    reply(s, dhcpReply(request!, ACK, B, [...SERVER, ...NET]));
    s.wait(SECOND);
    expect(s.stack.exports.address()).toBe(0);
  });
});

describe("DNS", () => {
  it("asks for the name as written, and connects to the address that it is told", () => {
    const { s, message, answer } = asking();
    expect([...message.subarray(12)]).toEqual([...name(HOST), ...be16(1), ...be16(1)]);
    expect(syns(answer(dnsReply(message, [address(60, A)])))).toEqual([A]);
    expect(s.stack.exports.state(0)).toBe(StreamState.Connecting);
  });
  it("asks nobody for a dotted address", () => {
    const s = new LoneStack(new Random(6));
    s.stack.open(0, "10.0.0.1", 1883);
    const frames = s.wait(SECOND / 10);
    expect(queries(frames)).toEqual([]);
    expect(syns(frames)).toEqual([A]);
  });
  it("follows aliases, whichever way their names are written", () => {
    const { message, answer } = asking();
    const records = [
      record([0xc0, 12], 5, 60, name("Edge.Example.NET")),
      record(name("other.example"), 1, 60, be32(1)),
      address(60, PEER, name("edge.EXAMPLE.net")),
    ];
    expect(wants(answer(dnsReply(message, records)))).toContain(PEER);
  });
  it("asks with another id and another port every time", () => {
    const s = new LoneStack(new Random(6));
    const seen = [0, 1, 2, 3, 4, 5].map((i) => {
      const q = asking(s, `h${i}.example`);
      q.answer(dnsReply(q.message, [], 0x8183));
      return [q.port, at16(q.message, 0)];
    });
    expect(new Set(seen.map(([port]) => port)).size).toBeGreaterThan(4);
    expect(new Set(seen.map(([, id]) => id)).size).toBeGreaterThan(4);
  });
  it("asks again when no answer comes, and gives up within half a minute", () => {
    const s = new LoneStack(new Random(6));
    s.stack.open(0, HOST, 1883);
    expect(queries(s.wait(30 * SECOND)).length).toBe(4);
    expect(s.stack.exports.state(0)).toBe(StreamState.Closed);
    expect(s.stack.exports.failure(0)).toBe(Errno.Absent);
  });
  it("remembers an answer for as long as it may, and no longer", () => {
    const { s, message, answer } = asking();
    const host = new Host(s, answer(dnsReply(message, [address(100, A)])));
    host.accept();
    host.say(Uint8Array.of(1));
    s.stack.exports.close(0);
    s.wait(90 * SECOND);
    s.stack.open(0, HOST, 1883);
    const early = s.wait(SECOND);
    expect(queries(early)).toEqual([]);
    expect(syns(early).length).toBeGreaterThan(0);
    s.wait(15 * SECOND);
    s.stack.open(0, HOST, 1883);
    expect(queries(s.wait(SECOND / 2)).length).toBe(1);
  });
  it("says that there is no such host, and that no such name can be", () => {
    const { s, message, answer } = asking();
    answer(dnsReply(message, [], 0x8183));
    expect(s.stack.exports.failure(0)).toBe(Errno.Absent);
    for (const host of ["a..b", ".", "x".repeat(64), "a b"]) {
      s.stack.open(0, host, 1883);
      s.wait(SECOND / 10);
      expect(s.stack.exports.failure(0)).toBe(Errno.Argument);
    }
    expect(s.stack.open(0, "x".repeat(254), 1883)).toBe(Errno.Argument);
    expect(s.stack.open(0, "", 1883)).toBe(Errno.Argument);
  });
  it("drops answers with another id, port, server or question, and those that are none", () => {
    const { s, port, message, answer } = asking();
    const good = dnsReply(message, [address(60, A)]);
    const changed = (at: number, value: number) => {
      const m = good.slice();
      m[at] = value;
      return m;
    };
    const count = () => s.stack.counter("DroppedDns");
    let expected = count();
    for (const m of [
      changed(0, good[0]! ^ 1),
      changed(2, 0),
      changed(5, 0),
      changed(5, 2),
      changed(14, 0x21),
      good.subarray(0, 11),
      good.subarray(0, 20),
    ]) {
      expect(answer(m)).toEqual([]);
      expect(count()).toBe(++expected);
    }
    expect(answer(good, { source: A + 8 })).toEqual([]);
    expect(s.say(udp(fromServer, 53, port ^ 1, good))).toEqual([]);
    expect(count()).toBe(expected + 2);
    expect(syns(answer(good))).toEqual([A]);
  });
  it("ends on every loop of compression pointers, and on names and records that run off the end", () => {
    const { s, message, answer } = asking();
    const start = message.length; // of the first answer
    const records = [
      [0xc0, start],
      [0xc0 | (start >>> 8), start & 255],
      [0xc0, start + 2, 0xc0, start],
      [1, 97, 0xc0, start],
      [0xff, 0xff],
      [0xc0],
      [63, 97],
      [64, 97],
      [128, 1],
      [...new Array(127).fill([1, 97]).flat(), 1, 97, 0],
      [...Array.from({ length: 20 }, () => [63, ...new Array(63).fill(97)]).flat(), 0],
      [0xc0, 12],
      [0xc0, 12, 0, 1],
      [0xc0, 12, ...be16(1), ...be16(1), ...be32(60), ...be16(400), 1, 2, 3, 4],
      record([0xc0, 12], 5, 60, [1, 97]),
      record([0xc0, 12], 5, 60, [0xc0, start + 12]),
      record([0xc0, 12], 5, 60, [0xc0, 12, 0]),
    ];
    for (const r of records) {
      const before = s.stack.counter("DroppedDns");
      expect(answer(dnsReply(message, [r])), JSON.stringify(r.slice(0, 12))).toEqual([]);
      expect(s.stack.counter("DroppedDns")).toBe(before + 1);
    }
    expect(syns(answer(dnsReply(message, [address(60, A)])))).toEqual([A]);
  });
  it("takes no address that can be no host's", () => {
    const { s, message, answer } = asking();
    answer(dnsReply(message, [address(60, 0x7f000001)]));
    expect(s.stack.exports.failure(0)).toBe(Errno.Absent);
  });
  it("asks the name server that DHCP named", () => {
    const s = bound();
    s.stack.open(0, HOST, 1883);
    expect(queries(s.wait(SECOND / 2)).length).toBe(1);
  });
});
