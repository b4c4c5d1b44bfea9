import { describe, expect, it } from "vitest";
import { Random, seedOf, type Faults } from "./faults";
import { StreamState, type Stack } from "./stack";
import { VirtualLink } from "./virtual-link";

const SECOND = 1_000_000;

function connected(random: Random): { link: VirtualLink; server: number } {
  const link = new VirtualLink(random);
  expect(link.a.open(0, "10.0.0.2", 80)).toBe(0);
  let server = -1;
  const ok = link.run(() => (server < 0 && (server = link.b.exports.accept()), server >= 0 && link.a.exports.state(0) === StreamState.Open), 30 * SECOND);
  expect(ok).toBe(true);
  return { link, server };
}

class Transfer {
  sent = 0;
  private readonly parts: Uint8Array[] = [];
  received = 0;
  constructor(readonly data: Uint8Array, readonly from: [Stack, number], readonly to: [Stack, number]) {}
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
  it("delivers bytes both ways exactly over a clean link", () => {
    exchange("clean", {}, 400_000, 60);
  });
  it("delivers bytes both ways exactly over a link that loses, repeats, reorders, cuts and corrupts", () => {
    exchange("faults", { loss: 0.1, duplicate: 0.05, reorder: 0.1, truncate: 0.02, corrupt: 0.05 }, 300_000, 600);
  });
});
