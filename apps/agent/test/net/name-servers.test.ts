// What a stub resolver owes its caller when servers and addresses fail: docs/network.md has the list.

import { describe, expect, it } from "vitest";
import { LEASE, SECOND, SERVER, bound } from "./dhcp-peer";
import { HOST, Host, address, asking, queries, syns, wants, type Query } from "./dns-peer";
import { Random } from "./faults";
import { FIN, at16, be16, be32, MAC_B, dnsReply, name, parseTcp, record, udp, unreachable } from "./frames";
import { A, B, LoneStack } from "./lone-stack";
import { Errno, StreamState } from "./stack";

const SECOND_SERVER = A + 8,
  THIRD_SERVER = A + 9;
const PEER = 0x0a000007,
  OTHER = 0x0a000008,
  THIRD = 0x0a000009;
const RCODES = { FORMERR: 1, SERVFAIL: 2, NOTIMP: 4, REFUSED: 5 };
const soa = (ttl: number, minimum: number) =>
  record(name("example.org"), 6, ttl, [0, 0, ...be32(1), ...be32(1), ...be32(1), ...be32(1), ...be32(minimum)]);
/** A reply whose records stand in the authority section. */
function authority(query: Uint8Array, flags: number, records: number[][]): Uint8Array {
  const message = dnsReply(query, records, flags);
  message.set(be16(0), 6);
  message.set(be16(records.length), 8);
  return message;
}

/** A stack with three name servers, and hosts that answer ARP. */
function withServers(servers = [A, SECOND_SERVER, THIRD_SERVER]): LoneStack {
  const s = bound([
    ...LEASE,
    ...SERVER,
    1,
    4,
    ...be32(0xffffff00),
    3,
    4,
    ...be32(A),
    6,
    servers.length * 4,
    ...servers.flatMap(be32),
  ]);
  for (const ip of [SECOND_SERVER, THIRD_SERVER, PEER, OTHER, THIRD]) s.neighbours.add(ip);
  return s;
}
/** A stack that knows its host's addresses, and the first SYN. */
function told(records: number[][], s = withServers()): { s: LoneStack; frames: Uint8Array[] } {
  const { message, answer } = asking(s);
  return { s, frames: [...answer(dnsReply(message, records)), ...s.wait(SECOND / 10)] };
}
const next = (s: LoneStack, us = SECOND / 5): Query | undefined => queries(s.wait(us))[0];

describe("name servers", () => {
  it.each(Object.entries(RCODES))("%s of one has the next one asked at once", (_name, code) => {
    const s = withServers();
    const { server, message, answer } = asking(s);
    expect(server).toBe(A);
    answer(dnsReply(message, [], 0x8180 | code));
    const second = next(s)!;
    expect(second.server).toBe(SECOND_SERVER);
    const header = dnsReply(second.message, [], 0x8180 | code).slice(0, 12); // without the question
    header.set(be16(0), 4);
    s.say(udp({ source: SECOND_SERVER, destination: B }, 53, second.port, header));
    const third = next(s)!;
    expect(third.server).toBe(THIRD_SERVER);
    expect(
      syns([
        ...s.say(
          udp({ source: THIRD_SERVER, destination: B }, 53, third.port, dnsReply(third.message, [address(60, PEER)])),
        ),
        ...s.wait(SECOND / 10),
      ]),
    ).toEqual([PEER]);
  });
  it("that all refuse are asked again, with pauses, and not for ever", () => {
    const s = withServers([A, SECOND_SERVER]);
    let asked = 0;
    s.stack.open(0, HOST, 1883);
    for (let i = 0; i < 400; ++i) {
      for (const q of queries(s.wait(SECOND / 10))) {
        ++asked;
        s.say(udp({ source: q.server, destination: B }, 53, q.port, dnsReply(q.message, [], 0x8182)));
      }
    }
    expect(asked).toBeGreaterThanOrEqual(4);
    expect(asked).toBeLessThanOrEqual(12);
    expect(s.stack.exports.state(0)).toBe(StreamState.Closed);
    expect(s.stack.exports.failure(0)).toBe(Errno.Absent);
  });
  it("that are silent give way after a second, also where nobody tells their MAC", () => {
    const s = withServers();
    expect(asking(s).server).toBe(A);
    expect(next(s, SECOND * 1.2)!.server).toBe(SECOND_SERVER);
    const t = withServers();
    t.neighbours.delete(SECOND_SERVER);
    const { message, answer } = asking(t);
    answer(dnsReply(message, [], 0x8182));
    expect(next(t, SECOND * 1.5)!.server).toBe(THIRD_SERVER);
  });
  it("are told to be deaf by ICMP, of our query only", () => {
    const s = withServers();
    const { port } = asking(s);
    const error = (sourcePort: number, source = B, destination = A) =>
      unreachable(udp({ from: MAC_B, source, destination }, sourcePort, 53, new Uint8Array(20)), 3, 0, A, 28, B);
    s.say(error(port ^ 1), error(port, A), error(port, B, SECOND_SERVER));
    expect(next(s)).toBeUndefined();
    s.say(error(port));
    expect(next(s)!.server).toBe(SECOND_SERVER);
  });
  it("that answered last are asked first", () => {
    const s = withServers();
    const { message, answer } = asking(s);
    answer(dnsReply(message, [], 0x8182));
    const second = next(s)!;
    s.say(udp({ source: second.server, destination: B }, 53, second.port, dnsReply(second.message, [], 0x8183)));
    expect(s.stack.exports.failure(0)).toBe(Errno.Absent);
    expect(asking(s, "other.example").server).toBe(SECOND_SERVER);
  });
  it("that were given up are not listened to any more", () => {
    const s = withServers();
    const { port, message } = asking(s);
    next(s, SECOND * 1.2);
    expect(wants(s.say(udp({ source: A, destination: B }, 53, port, dnsReply(message, [address(60, PEER)]))))).toEqual(
      [],
    );
    expect(s.stack.counter("DroppedDns")).toBe(1);
  });
  it("that only point to others give way, and that know there is nothing don't", () => {
    const s = withServers();
    const { message, answer } = asking(s);
    answer(authority(message, 0x8100, [record(name("org"), 2, 60, name("ns.example"))])); // no recursion available
    expect(next(s)!.server).toBe(SECOND_SERVER);
    const t = withServers();
    const q = asking(t);
    q.answer(authority(q.message, 0x8500, [soa(60, 60)]));
    expect(t.stack.exports.failure(0)).toBe(Errno.Absent);
  });
  it("are asked from ports of the whole range", () => {
    const s = new LoneStack(new Random(6));
    const ports = Array.from({ length: 64 }, (_, i) => {
      const q = asking(s, `h${i}.example`);
      q.answer(dnsReply(q.message, [], 0x8183));
      return q.port;
    });
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(1024);
    expect(new Set(ports.map((port) => port >>> 12)).size).toBeGreaterThan(7);
  });
});

describe("addresses", () => {
  const two = [address(300, PEER), address(300, OTHER)];

  it("are tried in turn when one refuses, within one opening", () => {
    const { s, frames } = told(two);
    const host = new Host(s, frames);
    expect(host.address).toBe(PEER);
    const second = new Host(s, [...host.refuse(), ...s.wait(SECOND / 10)]);
    expect(second.address).toBe(OTHER);
    expect(s.stack.exports.state(0)).toBe(StreamState.Connecting);
    second.accept();
    expect(s.stack.exports.state(0)).toBe(StreamState.Open);
  });
  it("are tried in turn when one is silent, after seconds", () => {
    const { s, frames } = told([...two, address(300, THIRD)]);
    expect(syns(frames)).toEqual([PEER]);
    const later = s.wait(11 * SECOND);
    expect([...new Set(syns(later))]).toEqual([PEER, OTHER, THIRD]);
  });
  it("that failed all have the name asked for again, whatever their TTL", () => {
    const { s, frames } = told(two);
    const host = new Host(s, frames);
    new Host(s, [...host.refuse(), ...s.wait(SECOND / 10)]).refuse();
    s.wait(SECOND / 10);
    expect(s.stack.exports.state(0)).toBe(StreamState.Closed);
    expect(s.stack.exports.failure(0)).toBe(Errno.Closed);
    expect(asking(s).server).toBe(A);
  });
  it("the only one of which is dead has the name asked for again at every attempt", () => {
    const s = withServers();
    for (let i = 0; i < 3; ++i) {
      const { message, answer } = asking(s);
      answer(dnsReply(message, [address(86400, PEER)]));
      s.wait(30 * SECOND);
      expect(s.stack.exports.failure(0)).toBe(Errno.Io);
    }
  });
  it("that accept and then say nothing, or end without an answer, are not used next time", () => {
    for (const ends of [false, true]) {
      const { s, frames } = told(two);
      const host = new Host(s, frames);
      host.accept();
      if (ends) host.say(new Uint8Array(0), true);
      s.stack.exports.close(0);
      s.wait(20 * SECOND);
      s.stack.open(0, HOST, 1883);
      expect(syns(s.wait(SECOND / 10))).toEqual([OTHER]);
    }
  });
  it("that answer are kept", () => {
    const { s, frames } = told(two);
    const host = new Host(s, frames);
    host.accept();
    host.say(Uint8Array.of(1, 2, 3));
    s.stack.exports.close(0);
    s.wait(20 * SECOND);
    s.stack.open(0, HOST, 1883);
    expect(syns(s.wait(SECOND / 10))).toEqual([PEER]);
  });
  it("with a TTL of nothing are all tried nevertheless", () => {
    const { s } = told([address(0, PEER), address(0, OTHER)]);
    expect(syns(s.wait(8 * SECOND))).toContain(OTHER);
  });
  it("hold for no time when their TTL has its top bit set, and for an hour at most", () => {
    for (const [ttl, us] of [
      [0x80000001, 3 * SECOND],
      [0xffffffff, 3 * SECOND],
      [7 * 86400, 3602 * SECOND],
    ] as const) {
      const lone = new LoneStack(new Random(6));
      lone.neighbours.add(PEER);
      const { s, frames } = told([address(ttl, PEER)], lone);
      const host = new Host(s, frames);
      host.accept();
      host.say(Uint8Array.of(1));
      s.stack.exports.close(0);
      s.wait(us);
      asking(s);
    }
  });
  it("are found whatever the order of an alias and what it leads to", () => {
    const edge = name("edge.example.net"),
      cdn = name("cdn.example.com");
    const { frames } = told([address(60, PEER, cdn), record(edge, 5, 60, cdn), record([0xc0, 12], 5, 60, edge)]);
    expect(syns(frames)).toEqual([PEER]);
  });
  it("of an alias that the message only names are asked for, and loops of aliases end", () => {
    const s = withServers();
    const { message, answer } = asking(s);
    const second = queries(answer(dnsReply(message, [record([0xc0, 12], 5, 60, name("edge.example.net"))])))[0]!;
    expect([...second.message.subarray(12)]).toEqual([...name("edge.example.net"), ...be16(1), ...be16(1)]);
    expect(
      syns([
        ...s.say(udp({ source: A, destination: B }, 53, second.port, dnsReply(second.message, [address(60, PEER)]))),
        ...s.wait(SECOND / 10),
      ]),
    ).toEqual([PEER]);
    const t = withServers();
    let asked = 0;
    t.stack.open(0, HOST, 1883);
    for (let i = 0; i < 40; ++i) {
      let open = queries(t.wait(SECOND / 10));
      while (open.length > 0 && asked < 100) {
        open = queries(
          t.say(
            udp(
              { source: A, destination: B },
              53,
              open[0]!.port,
              dnsReply(open[0]!.message, [record([0xc0, 12], 5, 60, name(`n${++asked}.example`))]),
            ),
          ),
        );
      }
    }
    expect(asked).toBe(9);
    expect(t.stack.exports.failure(0)).toBe(Errno.Absent);
    const u = asking(withServers());
    u.answer(
      dnsReply(u.message, [record(name(HOST), 5, 60, name("b.example")), record(name("b.example"), 5, 60, name(HOST))]),
    );
    expect(u.s.stack.exports.failure(0)).toBe(Errno.Absent);
  });
  it("are taken when the question comes back in other letters' size, and not when another one comes back", () => {
    for (const [question, expected] of [
      [HOST.toUpperCase(), [PEER]],
      ["brokes.example.org", []],
    ] as const) {
      const { s, message, answer } = asking(withServers());
      const reply = dnsReply(message, [address(60, PEER)]);
      reply.set(name(question), 12);
      expect(syns([...answer(reply), ...s.wait(SECOND / 10)])).toEqual(expected);
    }
  });
  it("of an alias that is said to lead nowhere are not asked for again", () => {
    const { s, message, answer } = asking(withServers());
    const reply = dnsReply(message, [record([0xc0, 12], 5, 60, name("edge.example.net")), soa(60, 60)]);
    reply.set([0, 1, 0, 1], 6); // one answer, one authority
    answer(reply);
    expect(s.stack.exports.failure(0)).toBe(Errno.Absent);
  });
  it("that can be no host's are passed over", () => {
    expect(syns(told([address(60, 0x7f000001), address(60, 0), address(60, PEER)]).frames)).toEqual([PEER]);
  });
});

describe("that there is nothing", () => {
  it("is remembered for as long as the zone says, for a minute at most", () => {
    for (const [ttl, minimum, beforeS, afterS] of [
      [20, 3600, 18, 22],
      [3600, 10, 8, 12],
      [86400, 86400, 58, 62],
      [0x80000000, 60, 1, 3],
    ] as const) {
      for (const flags of [0x8183, 0x8180]) {
        const s = withServers();
        const { message, answer } = asking(s);
        answer(authority(message, flags, [soa(ttl, minimum)]));
        s.wait(beforeS * SECOND);
        s.stack.open(0, HOST, 1883);
        expect(queries(s.wait(SECOND / 5))).toEqual([]);
        expect(s.stack.exports.failure(0)).toBe(Errno.Absent);
        s.wait((afterS - beforeS) * SECOND);
        asking(s);
      }
    }
  });
  it("is believed at once: no other server is asked", () => {
    const { s, message, answer } = asking(withServers());
    answer(authority(message, 0x8183, [soa(60, 60)]));
    expect(s.stack.exports.state(0)).toBe(StreamState.Closed);
    expect(queries(s.wait(SECOND))).toEqual([]);
  });
});

describe("an answer that was cut short", () => {
  const CUT = 0x8380;
  const framed = (message: Uint8Array) => Uint8Array.from([...be16(message.length), ...message]);
  /** Asks, is told that the answer is cut short, and gives the name server's end of the connection that follows. */
  function overTcp(s = withServers()): { s: LoneStack; server: Host; message: Uint8Array } {
    const { message, answer } = asking(s);
    const frames = [...answer(dnsReply(message, [], CUT)), ...s.wait(SECOND / 10)];
    const server = new Host(s, frames);
    expect(server.address).toBe(A);
    expect(parseTcp(frames.findLast((frame) => parseTcp(frame))!)!.port).toBe(53);
    const query = server
      .accept()
      .map(parseTcp)
      .find((t) => t && t.data.length > 0)!;
    expect(at16(query.data, 0)).toBe(query.data.length - 2);
    server.acknowledge(query.data.length);
    return { s, server, message: query.data.slice(2) };
  }

  it("is used when an address is in it, also where the cut is within a record", () => {
    for (const lost of [0, 3, 15]) {
      const s = withServers();
      const { message, answer } = asking(s);
      const whole = dnsReply(message, [address(60, PEER), address(60, OTHER)], CUT);
      expect(syns([...answer(whole.subarray(0, whole.length - lost)), ...s.wait(SECOND / 10)])).toEqual([PEER]);
    }
  });
  it("and holds no address is asked for again over TCP, in whatever pieces it comes", () => {
    for (const size of [1, 7, 600]) {
      const { s, server, message } = overTcp();
      const text = framed(
        dnsReply(message, [
          ...Array.from({ length: 30 }, (_, i) => record(name("x.example"), 1, 60, be32(i + 1))),
          address(60, PEER),
        ]),
      );
      const frames: Uint8Array[] = [];
      for (let at = 0; at < text.length; at += size) frames.push(...server.say(text.slice(at, at + size)));
      frames.push(...s.wait(SECOND / 10));
      expect(syns(frames)).toEqual([PEER]);
      expect(frames.map(parseTcp).some((t) => t && t.port === 53 && (t.flags & FIN) !== 0)).toBe(true);
    }
  });
  it("and is longer than there is room for is used as far as it goes", () => {
    const { s, server, message } = overTcp();
    const text = framed(
      dnsReply(message, [
        address(60, PEER),
        ...Array.from({ length: 200 }, (_, i) => address(60, i + 1, name("x.example"))),
      ]),
    );
    expect(text.length).toBeGreaterThan(4096);
    const frames: Uint8Array[] = [];
    for (let at = 0; at < 3000; at += 500) frames.push(...server.say(text.slice(at, at + 500)));
    expect(syns([...frames, ...s.wait(SECOND / 10)])).toEqual([PEER]);
  });
  it("has the next server asked where TCP is refused, silent, ends early or brings something else", () => {
    const ways: ((given: { s: LoneStack; server: Host; message: Uint8Array }) => Uint8Array[])[] = [
      ({ server, message }) => server.say(framed(dnsReply(message, [], 0x8182))),
      ({ server, message }) =>
        server.say(framed(dnsReply(message, [address(60, PEER)]).map((byte, i) => (i === 0 ? byte ^ 1 : byte)))),
      ({ server }) => server.say(new Uint8Array(2)),
      ({ server }) => server.say(Uint8Array.of(0, 40, 1, 2, 3), true),
      ({ server }) => server.refuse(),
      ({ s }) => s.wait(4 * SECOND),
    ];
    for (const [i, way] of ways.entries()) {
      const given = overTcp();
      const frames = [...way(given), ...given.s.wait(SECOND)];
      expect(queries(frames)[0]?.server, `way ${i}`).toBe(SECOND_SERVER);
      expect(syns(frames), `way ${i}`).toEqual([]);
    }
  });
  it("is not asked for over TCP without end", () => {
    const { s, server, message } = overTcp();
    server.say(framed(dnsReply(message, [], CUT)));
    expect(s.stack.exports.failure(0)).toBe(Errno.Absent);
  });
});
