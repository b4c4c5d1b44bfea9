// A name server and the hosts that it names, played message by message, for the tests of this folder.

import { expect } from "vitest";
import { Random } from "./faults";
import { ACK, FIN, PSH, RST, SYN, at16, at32, be32, parse, parseTcp, record, tcp, udp } from "./frames";
import { B, LoneStack } from "./lone-stack";

export const HOST = "broker.example.org";

export interface Query {
  /** The name server asked. */
  server: number;
  port: number;
  message: Uint8Array;
}
export function queries(frames: Uint8Array[]): Query[] {
  return frames
    .map(parse)
    .filter((p) => p.protocol === 17 && at16(p.body, 2) === 53)
    .map((p) => ({ server: p.destination, port: at16(p.body, 0), message: p.body.slice(8) }));
}
/** Where the stack begins connections to. */
export function syns(frames: Uint8Array[]): number[] {
  return frames.filter((frame) => parseTcp(frame)?.flags === SYN).map((frame) => parse(frame).destination);
}
/** What the stack asks for by ARP before it can connect. */
export const wants = (frames: Uint8Array[]) =>
  frames.filter((frame) => at16(frame, 12) === 0x0806).map((frame) => at32(frame, 38));
export const address = (ttl: number, ip: number, owner = [0xc0, 12]) => record(owner, 1, ttl, be32(ip));

/** Opens a stream and gives the query that it makes. */
export function asking(
  s = new LoneStack(new Random(6)),
  host = HOST,
): Query & { s: LoneStack; answer: (message: Uint8Array, ip?: object) => Uint8Array[] } {
  expect(s.stack.open(0, host, 1883)).toBe(0);
  const [query] = queries(s.wait(100_000));
  expect(query).toBeDefined();
  return {
    s,
    ...query!,
    answer: (message, ip = {}) =>
      s.say(udp({ source: query!.server, destination: B, ...ip }, 53, query!.port, message)),
  };
}

/** The host at the other end of a connection that the stack begins with the SYN among the frames. */
export class Host {
  readonly address: number;
  private next = 0;
  private readonly ports: { sourcePort: number; port: number };
  /** What the stack has sent. */
  acknowledged: number;
  constructor(
    private readonly s: LoneStack,
    frames: Uint8Array[],
  ) {
    const frame = frames.findLast((candidate) => parseTcp(candidate)?.flags === SYN);
    if (!frame) throw new Error("the stack began no connection");
    const syn = parseTcp(frame)!;
    this.address = parse(frame).destination;
    this.ports = { sourcePort: syn.port, port: syn.sourcePort };
    this.acknowledged = (syn.sequence + 1) >>> 0;
  }
  private get ip(): { source: number; destination: number } {
    return { source: this.address, destination: B };
  }
  accept(): Uint8Array[] {
    this.next = 5001;
    return this.s.say(
      tcp(this.ip, {
        ...this.ports,
        sequence: 5000,
        acknowledgement: this.acknowledged,
        flags: SYN | ACK,
        options: Uint8Array.of(2, 4, 1460 >> 8, 1460 & 255),
      }),
    );
  }
  /** Of a connection that was accepted: resets it. */
  refuse(): Uint8Array[] {
    return this.s.say(
      tcp(this.ip, { ...this.ports, sequence: this.next, acknowledgement: this.acknowledged, flags: RST | ACK }),
    );
  }
  say(data: Uint8Array, fin = false): Uint8Array[] {
    const frames = this.s.say(
      tcp(
        this.ip,
        { ...this.ports, sequence: this.next, acknowledgement: this.acknowledged, flags: ACK | PSH | (fin ? FIN : 0) },
        data,
      ),
    );
    this.next += data.length;
    return frames;
  }
  /** As if that many bytes had been said and lost. */
  skip(bytes: number): void {
    this.next += bytes;
  }
  acknowledge(bytes: number): Uint8Array[] {
    this.acknowledged = (this.acknowledged + bytes) >>> 0;
    return this.say(new Uint8Array(0));
  }
}
