import { describe, expect, it } from "vitest";
import { Random, seedOf, type Faults } from "./faults";
import { SYN, parseTcp } from "./frames";
import { Errno, StreamState, TcpState, type Stack } from "./stack";
import { VirtualLink } from "./virtual-link";

const SECOND = 1_000_000;

function connected(random: Random): { link: VirtualLink; server: number } {
  const link = new VirtualLink(random);
  expect(link.a.open(0, "10.0.0.2", 80)).toBe(0);
  let server = -1;
  const ok = link.run(
    () => (
      server < 0 && (server = link.b.exports.accept()), server >= 0 && link.a.exports.state(0) === StreamState.Open
    ),
    30 * SECOND,
  );
  expect(ok).toBe(true);
  return { link, server };
}

class Transfer {
  sent = 0;
  private readonly parts: Uint8Array[] = [];
  received = 0;
  constructor(
    readonly data: Uint8Array,
    readonly from: [Stack, number],
    readonly to: [Stack, number],
  ) {}
  step(): void {
    if (this.sent < this.data.length) {
      const n = this.from[0].write(this.from[1], this.data.subarray(this.sent, this.sent + 3000));
      if (n > 0) this.sent += n;
    }
    const part = this.to[0].read(this.to[1]);
    if (part && part.length > 0) {
      this.parts.push(part);
      this.received += part.length;
    }
  }
  isDone(): boolean {
    return this.received >= this.data.length;
  }
  check(): void {
    expect(Buffer.concat(this.parts).equals(this.data)).toBe(true);
  }
}

function exchange(name: string, faults: Faults, bytes: number, deadlineS: number): VirtualLink {
  const random = new Random(seedOf(name));
  const { link, server } = connected(random);
  link.faults = faults;
  const up = new Transfer(random.bytes(bytes), [link.a, 0], [link.b, server]);
  const down = new Transfer(random.bytes(bytes), [link.b, server], [link.a, 0]);
  const ok = link.run(() => (up.step(), down.step(), up.isDone() && down.isDone()), deadlineS * SECOND);
  console.log(name, `${link.now / SECOND} s`, up.received, down.received, JSON.stringify(link.a.counters()));
  expect(ok).toBe(true);
  up.check();
  down.check();
  return link;
}

describe("TCP between two of our stacks", () => {
  it("delivers bytes both ways exactly over a clean link, and allocates nothing", () => {
    const { link, server } = connected(new Random(2));
    const tops = [link.a, link.b].map((s) => [s.exports.heapTop(), s.exports.memory.buffer.byteLength]);
    for (let round = 0; round < 3; ++round) {
      const up = new Transfer(link.random.bytes(200_000), [link.a, 0], [link.b, server]);
      const down = new Transfer(link.random.bytes(200_000), [link.b, server], [link.a, 0]);
      expect(link.run(() => (up.step(), down.step(), up.isDone() && down.isDone()), 60 * SECOND)).toBe(true);
      up.check();
      down.check();
    }
    expect(link.a.counter("TcpRetransmits")).toBe(0);
    expect(link.b.counter("TcpRetransmits")).toBe(0);
    for (let i = 0; i < 20; ++i) {
      link.a.open(1, i & 1 ? "10.0.0.2" : "nobody.example", 81); // refused, or not found
      link.run(() => link.a.exports.state(1) === StreamState.Closed, 60 * SECOND);
    }
    expect([link.a, link.b].map((s) => [s.exports.heapTop(), s.exports.memory.buffer.byteLength])).toEqual(tops);
  });
  it.each([
    ["loses", { loss: 0.1 }],
    ["repeats", { duplicate: 0.3 }],
    ["reorders", { reorder: 0.3 }],
    ["cuts", { truncate: 0.1 }],
    ["corrupts", { corrupt: 0.1 }],
    ["does all of it", { loss: 0.1, duplicate: 0.05, reorder: 0.1, truncate: 0.02, corrupt: 0.05 }],
  ])("delivers bytes both ways exactly over a link that %s", (name, faults) => {
    exchange(name, faults, 300_000, 600);
  });
  it("does so whatever the order in which things go wrong: a hundred short transfers", () => {
    // Found by this: after a timeout at both ends at once, pure acknowledgements with old numbers, both waiting for
    // ever.
    const first = seedOf("hundred");
    for (let seed = first; seed < first + 100; ++seed) {
      const { link, server } = connected(new Random(seed));
      link.faults = { loss: 0.05, duplicate: 0.1, reorder: 0.2, truncate: 0.02, corrupt: 0.02 };
      const up = new Transfer(link.random.bytes(60_000), [link.a, 0], [link.b, server]);
      const down = new Transfer(link.random.bytes(60_000), [link.b, server], [link.a, 0]);
      expect(
        link.run(() => (up.step(), down.step(), up.isDone() && down.isDone()), 300 * SECOND),
        `seed ${seed}`,
      ).toBe(true);
      up.check();
      down.check();
    }
  });
  it("makes and ends connections over a link that does all of it, again and again", () => {
    const random = new Random(seedOf("connections"));
    const link = new VirtualLink(random);
    link.faults = { loss: 0.03, duplicate: 0.1, reorder: 0.2, truncate: 0.01, corrupt: 0.02 };
    for (let round = 0; round < 20; ++round) {
      const text = random.bytes(1 + random.below(3000));
      link.a.open(0, "10.0.0.2", 80);
      let server = -1;
      let written = 0;
      let ended = false;
      const parts: Uint8Array[] = [];
      const ok = link.run(() => {
        if (server < 0) server = link.b.exports.accept();
        else {
          const part = link.b.read(server);
          if (part === undefined) ended = true;
          else parts.push(part);
        }
        if (written < text.length && link.a.exports.state(0) === StreamState.Open) {
          written += Math.max(0, link.a.write(0, text.subarray(written)));
          if (written === text.length) link.a.exports.close(0);
        }
        return ended;
      }, 120 * SECOND);
      expect(ok).toBe(true);
      expect(Buffer.concat(parts).equals(text)).toBe(true);
      link.b.exports.close(server);
      expect(
        link.run(
          () => link.a.exports.tcpState(0) === TcpState.Closed && link.b.exports.tcpState(server) === TcpState.Closed,
          120 * SECOND,
        ),
      ).toBe(true);
    }
  });
  it("stops sending to a reader that does not read, and goes on when it does, even when the news of it is lost", () => {
    const { link, server } = connected(new Random(3));
    const data = link.random.bytes(60_000);
    let sent = 0;
    const push = () => {
      if (sent < data.length) sent += Math.max(0, link.a.write(0, data.subarray(sent)));
      return false;
    };
    link.run(push, 20 * SECOND);
    expect(sent).toBe(8192 + 16384); // what is in both rings
    const parts: Uint8Array[] = [];
    let got = 0;
    const drain = () => {
      push();
      const part = link.b.read(server)!;
      parts.push(part);
      return (got += part.length) >= data.length;
    };
    drain();
    link.onFrame = (from) => from !== link.b; // the window update
    link.run(() => false, SECOND / 20);
    link.onFrame = () => true;
    expect(link.run(drain, 60 * SECOND)).toBe(true);
    expect(Buffer.concat(parts).equals(data)).toBe(true);
  });
  it("gives up on a peer that has vanished, in bounded time", () => {
    const { link } = connected(new Random(4));
    link.onFrame = () => false;
    expect(link.a.write(0, new Uint8Array(100))).toBe(100);
    expect(link.run(() => link.a.exports.state(0) === StreamState.Closed, 65 * SECOND)).toBe(true);
    expect(link.a.exports.failure(0)).toBe(Errno.Io);
    link.a.open(0, "10.0.0.9", 80);
    expect(link.run(() => link.a.exports.state(0) === StreamState.Closed, 65 * SECOND)).toBe(true);
    expect(link.a.exports.failure(0)).toBe(Errno.Io);
  });
  it("gives up on it too when even its MAC is forgotten, with something to send and with nothing", () => {
    for (const hasText of [true, false]) {
      const { link } = connected(new Random(4));
      link.run(() => false, 70 * SECOND); // an ARP entry lasts for 60 s
      link.onFrame = () => false;
      if (hasText) expect(link.a.write(0, new Uint8Array(100))).toBe(100);
      expect(link.run(() => link.a.exports.state(0) === StreamState.Closed, 130 * SECOND)).toBe(true);
    }
  });
  it("repairs one lost segment of a burst without waiting for a timeout", () => {
    const { link, server } = connected(new Random(8));
    const transfer = new Transfer(link.random.bytes(100_000), [link.a, 0], [link.b, server]);
    let large = 0;
    link.onFrame = (_from, frame) => !(frame.length > 1000 && ++large === 20);
    expect(link.run(() => (transfer.step(), transfer.isDone()), 60 * SECOND)).toBe(true);
    transfer.check();
    expect(link.a.counter("TcpFastRetransmits")).toBe(1);
    expect(link.a.counter("TcpTimeouts")).toBe(0);
    expect(link.a.counter("TcpRetransmits")).toBe(1);
  });
  it("reads what came before the peer's end, then tells that nothing more will come", () => {
    const { link, server } = connected(new Random(9));
    const text = link.random.bytes(5000);
    link.b.write(server, text);
    link.b.exports.close(server);
    link.run(() => false, SECOND);
    expect(link.a.exports.state(0)).toBe(StreamState.Closed);
    expect(Buffer.from(link.a.read(0)!).equals(text)).toBe(true);
    expect(link.a.read(0)).toBeUndefined();
    expect(link.a.exports.failure(0)).toBe(0);
  });
  it("never uses the same initial sequence number or port twice in a row", () => {
    const link = new VirtualLink(new Random(10));
    const syns: number[] = [];
    link.onFrame = (_from, frame) => {
      const t = parseTcp(frame);
      if (t?.flags === SYN) syns.push(t.sequence, t.sourcePort);
      return true;
    };
    for (let i = 0; i < 4; ++i) {
      link.a.open(0, "10.0.0.2", 81);
      link.run(() => link.a.exports.state(0) === StreamState.Closed, 10 * SECOND);
    }
    expect(syns.length).toBe(8);
    expect(new Set(syns).size).toBe(8);
  });
});
