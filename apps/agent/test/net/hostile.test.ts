// Peers that lie: every malformed frame is dropped and counted, none stops the stack.

import { describe, expect, it } from "vitest";
import { Random, seedOf } from "./faults";
import * as f from "./frames";
import { ACK, FIN, MAC_A, MAC_ALL, MAC_B, PSH, RST, SYN, parse, parseTcp, tcp, udp } from "./frames";
import { A, B, LoneStack } from "./lone-stack";
import { StreamState, TcpState } from "./stack";

const ab = { source: A, destination: B };
const data = (length: number) => new Uint8Array(length).map((_, i) => i);
const lone = () => new LoneStack(new Random(1));

/** What each frame must be counted as, and that nothing is answered. */
function expectDropped(counter: string, frames: Uint8Array[]): void {
  const s = lone();
  for (const frame of frames) {
    const before = s.stack.counter(counter);
    expect(s.say(frame)).toEqual([]);
    expect(s.stack.counter(counter)).toBe(before + 1);
  }
  expectAlive(s);
}

function expectAlive(s: LoneStack): void {
  s.wait(3_000_000); // nothing asked before is still being answered, an ARP entry may be asked for again
  let replies: Uint8Array[] = [];
  for (let i = 0; i < 5 && replies.length === 0; ++i) {
    replies = s.say(f.echoRequest(ab, data(32))).filter((frame) => parse(frame).protocol === 1);
    s.wait(1_100_000);
  }
  expect(replies.length).toBe(1);
  expect(parse(replies[0]!).body.subarray(8)).toEqual(data(32));
}

/** A connection from A's port to B's listener; `next` and `ack` are what A sends. */
function connect(s: LoneStack, port = 4000): { handle: number; next: number; ack: number } {
  const isn = 1000;
  let synAck;
  for (let i = 0; i < 3 && !synAck; ++i) {
    synAck = s
      .say(tcp(ab, { sourcePort: port, port: 80, sequence: isn, flags: SYN }))
      .map(parseTcp)
      .find((t) => t?.flags === (SYN | ACK));
  }
  expect(synAck).toBeDefined();
  const ack = (synAck!.sequence + 1) >>> 0;
  s.say(tcp(ab, { sourcePort: port, port: 80, sequence: isn + 1, acknowledgement: ack, flags: ACK }));
  const handle = s.stack.exports.accept();
  expect(handle).toBeGreaterThanOrEqual(2);
  return { handle, next: isn + 1, ack };
}

describe("Ethernet, ARP and IPv4", () => {
  it("drop a frame too short for its header", () => {
    expectDropped("DroppedEthernet", [data(0), data(1), data(13)]);
  });
  it("drop a frame for another station, and a protocol that is not ours", () => {
    expectDropped("DroppedNotForUs", [
      f.ethernet(MAC_A, MAC_A, 0x0800, data(40)),
      f.ipv4({ ...ab, destination: 0x0a000063, protocol: 1 }, data(8)),
    ]);
    expectDropped("DroppedProtocol", [
      f.ethernet(MAC_B, MAC_A, 0x86dd, data(40)),
      f.ipv4({ ...ab, protocol: 99 }, data(8)),
    ]);
  });
  it("drop ARP with wrong lengths, kinds, senders, or cut short", () => {
    const good = { operation: 1, senderMac: MAC_A, sender: A, target: B };
    const foreign = f.arp(MAC_B, good);
    foreign.set(Uint8Array.of(2, 9, 9, 9, 9, 9), 22); // sender MAC is not the frame's
    expectDropped("DroppedArp", [
      f.arp(MAC_B, { ...good, lengths: [6, 16] }),
      f.arp(MAC_B, { ...good, lengths: [0, 4] }),
      f.arp(MAC_B, { ...good, lengths: [255, 255] }),
      f.arp(MAC_B, good).subarray(0, 41),
      f.arp(MAC_B, good).subarray(0, 14),
      f.arp(MAC_B, { ...good, operation: 3 }),
      f.arp(MAC_B, { ...good, operation: 0 }),
      f.arp(MAC_B, { ...good, sender: 0x0b000001 }),
      f.arp(MAC_B, { ...good, senderMac: MAC_ALL }),
      foreign,
    ]);
  });
  it("drop ARP from a station that has our address, and say once in ten seconds whose it is (RFC 5227 §2.4)", () => {
    const s = lone();
    const replies = [0, 0, 0, 0, 0].map(
      () => s.say(f.arp(MAC_B, { operation: 1, senderMac: MAC_A, sender: B, target: B })).length,
    );
    expect(replies).toEqual([1, 0, 0, 0, 0]);
    expect(s.stack.counter("DroppedArp")).toBe(5);
    expect(s.stack.counter("AddressConflicts")).toBe(5);
    expectAlive(s);
  });
  it("answer an ARP request for our address", () => {
    const [reply] = lone().say(f.arp(MAC_ALL, { operation: 1, senderMac: MAC_A, sender: A, target: B }));
    expect(reply!.subarray(0, 6)).toEqual(MAC_A);
    expect(reply!.subarray(20, 28)).toEqual(Uint8Array.from([0, 2, ...MAC_B]));
  });
  it("don't let a forged ARP packet replace a neighbour that is known", () => {
    const s = lone();
    expect(s.say(f.echoRequest(ab, data(4))).length + s.say(f.echoRequest(ab, data(4))).length).toBeGreaterThan(0);
    const thief = Uint8Array.of(2, 6, 6, 6, 6, 6);
    for (const operation of [1, 2])
      s.say(f.arp(MAC_B, { operation, senderMac: thief, sender: A, targetMac: MAC_B, target: B }));
    const [reply] = s.say(f.echoRequest(ab, data(4)));
    expect(reply!.subarray(0, 6)).toEqual(MAC_A);
  });
  it("learn nothing from an answer that nobody asked for", () => {
    const s = lone();
    s.answersArp = false;
    s.say(f.arp(MAC_B, { operation: 2, senderMac: MAC_A, sender: A, targetMac: MAC_B, target: B }));
    const [asked] = s.say(f.echoRequest(ab, data(4)));
    expect(parse(asked!).type).toBe(0x0806);
  });
  it("drop an IPv4 header whose version, length, total length or checksum lies", () => {
    const bad = f.echoRequest(ab, data(8));
    bad[14 + 10]! ^= 1;
    expectDropped("DroppedIpv4", [
      f.ipv4({ ...ab, protocol: 1, headerWords: 4 }, data(8)),
      f.ipv4({ ...ab, protocol: 1, headerWords: 0 }, data(8)),
      f.ipv4({ ...ab, protocol: 1, headerWords: 15 }, data(8)),
      f.ipv4({ ...ab, protocol: 1, totalLength: 2000 }, data(8)),
      f.ipv4({ ...ab, protocol: 1, totalLength: 29 }, data(8)),
      f.ipv4({ ...ab, protocol: 1, totalLength: 19 }, data(8)),
      f.ipv4({ ...ab, protocol: 1, totalLength: 0 }, data(8)),
      f.ipv4({ ...ab, protocol: 1, version: 6 }, data(8)),
      bad,
      f.ethernet(MAC_B, MAC_A, 0x0800, data(19)),
      f.ethernet(MAC_B, MAC_A, 0x0800, data(0)),
    ]);
  });
  it("drop a source that can be no host: multicast, broadcast, loopback, nobody, ourselves", () => {
    expectDropped(
      "DroppedIpv4",
      [0xe0000001, 0xffffffff, 0x7f000001, 0, B, 0x0a0000ff].map((source) => f.echoRequest({ ...ab, source }, data(8))),
    );
  });
  it("drop fragments, first, middle and last", () => {
    expectDropped(
      "DroppedFragment",
      [0x2000, 0x2001, 0x0001, 0x1fff].map((fragment) => f.ipv4({ ...ab, protocol: 17, fragment }, data(40))),
    );
  });
  it("skip IPv4 options", () => {
    const s = lone();
    s.say(f.echoRequest(ab, data(4)));
    const [reply] = s.say(f.echoRequest({ ...ab, options: Uint8Array.of(148, 4, 0, 0, 1, 1, 1, 0) }, data(4)));
    expect(parse(reply!).body.subarray(8)).toEqual(data(4));
  });
});

describe("ICMP and UDP", () => {
  it("drop ICMP that is cut short, not an echo request, or wrongly summed", () => {
    const bad = f.echoRequest(ab, data(8));
    bad[bad.length - 1]! ^= 4;
    expectDropped("DroppedIcmp", [
      f.ipv4({ ...ab, protocol: 1 }, data(0)),
      f.ipv4({ ...ab, protocol: 1 }, Uint8Array.of(8, 0, 247, 255)),
      f.echoRequest(ab, data(8), 0),
      f.echoRequest(ab, data(8), 5),
      bad,
    ]);
  });
  it("don't answer a ping to everybody", () => {
    expect(lone().say(f.echoRequest({ ...ab, to: MAC_ALL, destination: 0x0a0000ff }, data(8)))).toEqual([]);
  });
  it("drop UDP whose length lies, that is cut short, wrongly summed, or for no port of ours", () => {
    const bad = udp(ab, 53, 5000, data(8));
    bad[bad.length - 1]! ^= 4;
    expectDropped("DroppedUdp", [
      udp(ab, 53, 5000, data(8), 7),
      udp(ab, 53, 5000, data(8), 0),
      udp(ab, 53, 5000, data(8), 17),
      udp(ab, 53, 5000, data(8), 65535),
      f.ipv4({ ...ab, protocol: 17 }, data(7)),
      f.ipv4({ ...ab, protocol: 17 }, data(0)),
      bad,
      udp(ab, 1, 2, data(8)),
    ]);
  });
});

describe("TCP segments", () => {
  it("drop what is cut short, wrongly summed, or whose data offset or options lie", () => {
    const t = { sourcePort: 1, port: 80, flags: SYN };
    const bad = tcp(ab, t);
    bad[bad.length - 1]! ^= 4;
    const options = (...bytes: number[]) => tcp(ab, { ...t, options: Uint8Array.from(bytes) });
    expectDropped("DroppedTcp", [
      f.ipv4({ ...ab, protocol: 6 }, data(19)),
      f.ipv4({ ...ab, protocol: 6 }, data(0)),
      bad,
      tcp(ab, { ...t, dataOffset: 4 }),
      tcp(ab, { ...t, dataOffset: 0 }),
      tcp(ab, { ...t, dataOffset: 6 }),
      tcp(ab, { ...t, dataOffset: 15 }),
      options(2, 0, 0, 0),
      options(2, 1, 0, 0),
      options(2, 5, 0, 0),
      options(1, 1, 1, 2),
      options(254, 255, 0, 0),
      tcp(ab, { ...t, port: 0 }),
    ]);
  });
  it("are refused with a reset where nobody listens, and a reset is not answered", () => {
    const s = lone();
    s.say(f.echoRequest(ab, data(1)));
    const [reset] = s.say(tcp(ab, { sourcePort: 9, port: 81, sequence: 77, flags: SYN })).map(parseTcp);
    expect(reset).toMatchObject({ flags: RST | ACK, sequence: 0, acknowledgement: 78 });
    const [other] = s
      .say(tcp(ab, { sourcePort: 9, port: 81, sequence: 77, acknowledgement: 555, flags: ACK }, data(3)))
      .map(parseTcp);
    expect(other).toMatchObject({ flags: RST, sequence: 555 });
    expect(s.say(tcp(ab, { sourcePort: 9, port: 81, flags: RST }))).toEqual([]);
  });
  it("believe a reset only at exactly the next byte, and challenge one elsewhere in the window (RFC 5961 §3)", () => {
    const s = lone();
    const c = connect(s);
    const rst = (sequence: number) =>
      s.say(tcp(ab, { sourcePort: 4000, port: 80, sequence, flags: RST })).map(parseTcp);
    expect(rst(c.next + 100)).toMatchObject([{ flags: ACK, acknowledgement: c.next, sequence: c.ack }]);
    expect(rst(c.next + 100_000)).toEqual([]);
    expect(rst(c.next - 1)).toEqual([]);
    expect(s.stack.exports.state(c.handle)).toBe(StreamState.Open);
    rst(c.next);
    expect(s.stack.exports.state(c.handle)).toBe(StreamState.Closed);
  });
  it("challenge a SYN on a connection, and not without end (RFC 5961 §4, §7)", () => {
    const s = lone();
    const c = connect(s);
    let answers = 0;
    for (let i = 0; i < 50; ++i) {
      for (const t of s.say(tcp(ab, { sourcePort: 4000, port: 80, sequence: c.next + i, flags: SYN })).map(parseTcp)) {
        expect(t).toMatchObject({ flags: ACK, acknowledgement: c.next });
        ++answers;
      }
    }
    expect(answers).toBeGreaterThan(0);
    expect(answers).toBeLessThanOrEqual(5);
    expect(s.stack.exports.state(c.handle)).toBe(StreamState.Open);
  });
  it("take no data with an acknowledgement of what was never sent (RFC 5961 §5)", () => {
    const s = lone();
    const c = connect(s);
    for (const acknowledgement of [c.ack + 1, c.ack + 0x40000000, (c.ack - 0x40000000) >>> 0]) {
      const [answer] = s
        .say(tcp(ab, { sourcePort: 4000, port: 80, sequence: c.next, acknowledgement, flags: ACK }, data(5)))
        .map(parseTcp);
      expect(answer).toMatchObject({ flags: ACK, acknowledgement: c.next });
    }
    expect(s.stack.read(c.handle)).toEqual(data(0));
  });
  it("take no byte beyond the window, and each byte once however segments overlap", () => {
    const s = lone();
    const c = connect(s);
    const text = new Random(3).bytes(9000);
    const send = (from: number, to: number) =>
      s.say(
        tcp(
          ab,
          { sourcePort: 4000, port: 80, sequence: c.next + from, acknowledgement: c.ack, flags: ACK | PSH },
          text.slice(from, to),
        ),
      );
    for (const [from, to] of [
      [8000, 9000],
      [5000, 6000],
      [2000, 3000],
      [2500, 3900],
      [3800, 5200],
      [0, 1400],
      [700, 2100],
      [6000, 7000],
      [7500, 8500],
      [6500, 7900],
    ] as const)
      send(from, to);
    const got = s.stack.read(c.handle)!;
    expect(got.length).toBe(8192);
    expect(Buffer.from(got).equals(text.subarray(0, 8192))).toBe(true);
    expect(
      s
        .say(
          tcp(
            ab,
            { sourcePort: 4000, port: 80, sequence: c.next + 8192 + 9000, acknowledgement: c.ack, flags: ACK },
            data(10),
          ),
        )
        .map(parseTcp),
    ).toMatchObject([{ acknowledgement: c.next + 8192 }]);
  });
  it("start half-open connections without end and still leave room for a whole one", () => {
    const s = lone();
    for (let i = 0; i < 300; ++i) s.say(tcp(ab, { sourcePort: 10_000 + i, port: 80, sequence: i, flags: SYN }));
    connect(s);
  });
  it("end a half-open connection that is never completed", () => {
    const s = lone();
    for (let i = 0; i < 4; ++i) s.say(tcp(ab, { sourcePort: 10_000 + i, port: 80, sequence: i, flags: SYN }));
    s.wait(25_000_000);
    const sent = s.wait(60_000_000);
    expect(sent.map(parseTcp).filter((t) => t !== undefined)).toEqual([]);
  });
  it("can't hold the window at zero for ever", () => {
    const s = lone();
    const c = connect(s);
    s.say(tcp(ab, { sourcePort: 4000, port: 80, sequence: c.next, acknowledgement: c.ack, flags: ACK, window: 0 }));
    expect(s.stack.write(c.handle, data(100))).toBe(100);
    let probes = 0;
    for (let second = 0; second < 400 && s.stack.exports.state(c.handle) === StreamState.Open; ++second) {
      for (const t of s.wait(1_000_000).map(parseTcp)) {
        if (!t || t.data.length === 0) continue;
        expect(t.data.length).toBe(1);
        ++probes;
        s.say(tcp(ab, { sourcePort: 4000, port: 80, sequence: c.next, acknowledgement: c.ack, flags: ACK, window: 0 }));
      }
      if (second === 200) expect(s.stack.exports.state(c.handle)).toBe(StreamState.Open);
    }
    expect(probes).toBeGreaterThan(5);
    expect(s.stack.exports.state(c.handle)).toBe(StreamState.Closed);
  });
  it("that stop coming are noticed by keep-alive, and a peer that answers is kept", () => {
    const s = lone();
    const c = connect(s);
    const answer = (frames: Uint8Array[]) => {
      const probes = frames.map(parseTcp).filter((t) => t !== undefined);
      if (probes.length > 0)
        s.say(tcp(ab, { sourcePort: 4000, port: 80, sequence: c.next, acknowledgement: c.ack, flags: ACK }));
      return probes;
    };
    for (let i = 0; i < 200; ++i) answer(s.wait(1_000_000));
    expect(s.stack.exports.state(c.handle)).toBe(StreamState.Open);
    s.wait(150_000_000);
    expect(s.stack.exports.state(c.handle)).toBe(StreamState.Closed);
  });
  it("that end a connection end it in order: FIN answered, TIME-WAIT over in seconds", () => {
    const s = lone();
    const c = connect(s);
    s.stack.exports.close(c.handle);
    const [fin] = s.say().map(parseTcp);
    expect(fin!.flags & FIN).toBe(FIN);
    s.say(tcp(ab, { sourcePort: 4000, port: 80, sequence: c.next, acknowledgement: c.ack + 1, flags: ACK }));
    expect(s.stack.exports.tcpState(c.handle)).toBe(TcpState.FinWait2);
    const [last] = s
      .say(tcp(ab, { sourcePort: 4000, port: 80, sequence: c.next, acknowledgement: c.ack + 1, flags: ACK | FIN }))
      .map(parseTcp);
    expect(last).toMatchObject({ flags: ACK, acknowledgement: c.next + 1 });
    expect(s.stack.exports.tcpState(c.handle)).toBe(TcpState.TimeWait);
    s.wait(3_000_000);
    expect(s.stack.exports.tcpState(c.handle)).toBe(TcpState.Closed);
  });
  it("are all dropped, and counted, while everything is to be dropped", () => {
    const s = lone();
    s.stack.exports.dropEverything(true);
    expect(
      s.say(f.echoRequest(ab, data(8)), f.arp(MAC_ALL, { operation: 1, senderMac: MAC_A, sender: A, target: B })),
    ).toEqual([]);
    expect(s.stack.counter("DroppedByOrder")).toBe(2);
    s.stack.exports.dropEverything(false);
    expectAlive(s);
  });
});

describe("any frame at all", () => {
  /** Sums made right again, so that the change reaches the layer it is in. */
  function repaired(frame: Uint8Array): Uint8Array {
    if (frame.length < 34 || frame[12] !== 8 || frame[13] !== 0) return frame;
    const words = frame[14]! & 15;
    const header = words * 4;
    if (header < 20 || frame.length < 14 + header) return frame;
    frame.set([0, 0], 24);
    frame.set(f.be16(f.checksum(frame.subarray(14, 14 + header))), 24);
    const at = frame[23] === 6 ? 16 : frame[23] === 17 ? 6 : frame[23] === 1 ? 2 : -1;
    const end = Math.min(14 + f.at16(frame, 16), frame.length);
    const body = frame.subarray(14 + header, end);
    if (at < 0 || body.length < at + 2) return frame;
    body.set([0, 0], at);
    const pseudo = frame[23] === 1 ? [] : [...frame.subarray(26, 34), 0, frame[23]!, ...f.be16(body.length)];
    body.set(f.be16(f.checksum(Uint8Array.from([...pseudo, ...body])) || 0xffff), at);
    return frame;
  }

  it("neither traps nor hangs the stack, which then still answers and connects", () => {
    const random = new Random(seedOf("fuzz"));
    const s = new LoneStack(random);
    const c = connect(s);
    const outgoing = "host.example.org";
    const seen: Uint8Array[] = [];
    const ip = { ...ab };
    const valid: (() => Uint8Array)[] = [
      () => f.arp(MAC_ALL, { operation: 1 + random.below(2), senderMac: MAC_A, sender: A, target: B }),
      () => f.echoRequest(ip, random.bytes(random.below(64))),
      () =>
        tcp(
          ip,
          {
            sourcePort: 4000,
            port: 80,
            sequence: c.next + random.below(9000),
            acknowledgement: c.ack,
            flags: random.below(32),
            options: Uint8Array.of(2, 4, 5, 180, 4, 2, 1, 1),
          },
          random.bytes(random.below(1400)),
        ),
      () =>
        tcp(ip, {
          sourcePort: random.below(65536),
          port: 80,
          sequence: random.next(),
          flags: SYN,
          options: Uint8Array.of(2, 4, 5, 180),
        }),
      () => udp(ip, 53, 0xc000 + random.below(0x4000), random.bytes(random.below(300))),
      () =>
        udp(
          { ...ip, to: MAC_ALL, destination: 0xffffffff },
          67,
          68,
          f.dhcpReply(random.bytes(300), 5, B, [...random.bytes(random.below(80))]),
        ),
      () => {
        // Answers to queries that are open now, from the right server to the right port.
        const query = seen.at(-1);
        if (!query) return random.bytes(60);
        const { body } = parse(query);
        return udp(
          ip,
          53,
          f.at16(body, 0),
          f.dnsReply(
            body.subarray(8),
            [[0xc0, 12 + random.below(8), ...random.bytes(random.below(40))], [...random.bytes(random.below(40))]],
            random.chance(0.5) ? 0x8180 : random.below(65536),
          ),
        );
      },
      () => random.bytes(random.below(1515)),
    ];
    const started = performance.now();
    let slowest = 0;
    const FRAMES = 24_000;
    for (let i = 0; i < FRAMES; ++i) {
      const frame = valid[random.below(valid.length)]!();
      for (let n = random.below(4); n > 0 && frame.length > 0; --n)
        frame[random.below(Math.min(frame.length, 100))] = random.chance(0.5)
          ? random.below(256)
          : random.chance(0.5)
            ? 0
            : 255;
      if (random.chance(0.7)) repaired(frame);
      s.stack.deliver(random.chance(0.05) ? frame.slice(0, random.below(frame.length + 1)) : frame);
      const before = performance.now();
      s.stack.poll();
      slowest = Math.max(slowest, performance.now() - before);
      for (const sent of s.take()) {
        const { protocol, body } = parse(sent); // throws when it is not sound
        if (protocol === 17 && f.at16(body, 2) === 53) seen.push(sent);
      }
      if (seen.length > 4) seen.shift();
      s.now += 200;
      if (i % 500 === 0) s.stack.open(1, `n${i}.${outgoing}`, 1883);
      if (i % 50 === 0) s.stack.read(c.handle, 500);
    }
    console.log(
      `fuzz: ${FRAMES} frames in ${Math.round(performance.now() - started)} ms, slowest poll ${slowest.toFixed(2)} ms`,
      JSON.stringify(s.stack.counters()),
    );
    // Generous: a pause of the test's own process counts too. A hang would not end at all.
    expect(slowest).toBeLessThan(250);
    s.stack.exports.close(c.handle);
    s.wait(120_000_000);
    expectAlive(s);
    connect(s, 5000);
  });
});
