// Frames from a hostile network, against the stack in every state of DHCP, DNS and TCP. An input is a state and frames:
//
//   u8 state   then frames: u16 length (bits 0 to 10) and time before it (bits 11 to 15: 0, or 2^(n-1) ms), bytes
//
// What lies behind a frame in its buffer must not matter; what the stack sends is sound; every buffer comes back.

import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import * as f from "../../../apps/agent/test/net/frames.ts";
import { Counter, TcpState } from "../../../apps/agent/test/net/stack.ts";
import { assemblyEntry, compileForFuzzing } from "../engine/compile.ts";
import { FuzzInstance, type Snapshot } from "../engine/instance.ts";
import { insert, remove, write } from "../engine/mutate.ts";
import { type Draft, type OpenTarget, Violation } from "../engine/target.ts";

const A = 0x0a000001;
const B = 0x0a000002;
const ab = { source: A, destination: B };
const RECEIVE_BUFFERS = 8;
const TRANSMIT_BUFFERS = 4;
const BUFFER_BYTES = 1536;
const FRAME_OFFSET = 16;
const FRAMES_MAX = 12;
/** Frames that one received frame may give rise to: a full window, and little else. */
const SENT_PER_FRAME_MAX = 64;

/** The machine under the stack: a card, a clock that the input moves, entropy that is the same each time. */
class Card {
  nowUs = 1_000_000;
  window = 0;
  ready: { index: number; length: number }[] = [];
  free: number[] = [];
  readonly owned = new Set<number>();
  nextTransmit = 0;
  sent: Uint8Array[] = [];
  entropy = 1;
  /** What a buffer holds behind its frame. */
  filler = 0;

  constructor(readonly instance: () => FuzzInstance) {}

  readonly imports: Record<string, (...args: never[]) => unknown> = {
    clock_us: () => BigInt(this.nowUs),
    entropy: (at: number, length: number) => {
      for (let i = 0; i < length; i++)
        this.instance().memory[at + i] = (this.entropy = (Math.imul(this.entropy, 1664525) + 1013904223) >>> 0) >>> 24;
      return 0;
    },
    nic_info: (at: number) => {
      const { memory, view } = this.instance();
      memory.set(f.MAC_B, at);
      view.setUint16(at + 6, 1500, true);
      [RECEIVE_BUFFERS, TRANSMIT_BUFFERS, BUFFER_BYTES].forEach((value, i) =>
        view.setUint32(at + 8 + 4 * i, value, true),
      );
      return 0;
    },
    nic_grant: (at: number) => {
      this.window = at;
      this.free = Array.from({ length: RECEIVE_BUFFERS }, (_, i) => i);
      return 0;
    },
    nic_receive: () => {
      const next = this.ready.shift();
      if (!next) return -4;
      this.owned.add(next.index);
      return (next.index << 16) | next.length;
    },
    nic_release: (index: number) => {
      if (!this.owned.delete(index)) throw new Violation(`buffer ${index} is released and was not the stack's`);
      this.free.push(index);
      return 0;
    },
    nic_acquire: () => this.nextTransmit++ % TRANSMIT_BUFFERS,
    nic_transmit: (index: number, length: number) => {
      if (length < 14 || length > 1514) throw new Violation(`a frame of ${length} bytes is sent`);
      const at = this.window + (RECEIVE_BUFFERS + index) * BUFFER_BYTES + FRAME_OFFSET;
      this.sent.push(this.instance().memory.slice(at, at + length));
      return 0;
    },
  };

  deliver(frame: Uint8Array): void {
    const index = this.free.shift();
    if (index === undefined) throw new Violation("a receive buffer was not given back");
    const at = this.window + index * BUFFER_BYTES;
    const { memory } = this.instance();
    memory.fill(this.filler, at, at + BUFFER_BYTES);
    memory.set(frame, at + FRAME_OFFSET);
    this.ready.push({ index, length: frame.length });
  }
}

interface State {
  memory: Snapshot;
  nowUs: number;
  entropy: number;
  nextTransmit: number;
  free: number[];
  handles: number[];
}

const COUNTERS = Object.keys(Counter).length;
const counted = new Uint8Array(400).map((_, i) => i);

function openNetwork(name: string, stateNames: readonly string[], share: number): OpenTarget {
  return async (patches = []) => {
    const fuzzed = await compileForFuzzing(assemblyEntry("network"), 2, patches);
    const card: Card = new Card(() => instance);
    const instance: FuzzInstance = new FuzzInstance(fuzzed, () => card.imports);
    const calls = instance.exports;
    const scratch = (calls.scratch as unknown as WebAssembly.Global).value as number;
    const empty = { memory: instance.save(), entropy: card.entropy };

    // ---- states, each reached by sound frames
    // ------------------------------------------------------------------------
    const take = (): Uint8Array[] => {
      const { sent } = card;
      card.sent = [];
      return sent;
    };
    /** Answers ARP as A does; gives what else was sent. */
    const poll = (times = 3): Uint8Array[] => {
      const others: Uint8Array[] = [];
      for (let i = 0; i < times; i++) {
        calls.poll!();
        card.nowUs += 20_000;
        for (const frame of take()) {
          const { type, body } = f.parse(frame);
          if (type === 0x0806 && body[7] === 1 && f.at32(body, 24) === A)
            card.deliver(
              f.arp(f.MAC_B, { operation: 2, senderMac: f.MAC_A, sender: A, targetMac: f.MAC_B, target: B }),
            );
          else others.push(frame);
        }
      }
      return others;
    };
    const say = (...frames: Uint8Array[]): Uint8Array[] => {
      frames.forEach((frame) => card.deliver(frame));
      return poll();
    };
    const begin = (): void => {
      instance.restore(empty.memory);
      Object.assign(card, {
        nowUs: 1_000_000,
        entropy: empty.entropy,
        ready: [],
        sent: [],
        nextTransmit: 0,
        filler: 0,
      });
      card.owned.clear();
    };
    const save = (handles: number[] = []): State => ({
      memory: instance.save(),
      nowUs: card.nowUs,
      entropy: card.entropy,
      nextTransmit: card.nextTransmit,
      free: [...card.free],
      handles,
    });
    const host = (text: string): [number, number] => {
      instance.memory.set(Buffer.from(text), scratch);
      return [scratch, text.length];
    };
    const beginStatic = (): void => {
      begin();
      calls.configureStatic!(B, 0xffffff00, A, A);
      calls.listen!(80);
      poll();
    };
    const lastTcp = (frames: Uint8Array[]): f.ParsedTcp =>
      frames.map((frame) => f.parseTcp(frame)).findLast((t) => t !== undefined)!;

    const states: State[] = [];
    const seeds: Uint8Array[] = [];
    const seed = (state: number, ...frames: (Uint8Array | [afterMs: number, frame: Uint8Array])[]): void => {
      seeds.push(
        Uint8Array.from([
          state,
          ...frames.flatMap((item) => {
            const [wait, frame] = Array.isArray(item)
              ? [item[0] === 0 ? 0 : 1 + Math.ceil(Math.log2(item[0])), item[1]]
              : [0, item];
            return [frame.length & 255, (frame.length >> 8) | (wait << 3), ...frame];
          }),
        ]),
      );
    };
    const udpPayload = (frame: Uint8Array): Uint8Array => f.parse(frame).body.subarray(8);
    const toClient = (message: Uint8Array): Uint8Array =>
      f.udp({ to: f.MAC_ALL, source: A, destination: 0xffffffff }, 67, 68, message);
    const serverIs = [54, 4, 10, 0, 0, 1];
    const lease = [
      51, 4, 0, 0, 14, 16, 1, 4, 255, 255, 255, 0, 3, 4, 10, 0, 0, 1, 6, 8, 10, 0, 0, 1, 8, 8, 8, 8, 58, 4, 0, 0, 7, 8,
      59, 4, 0, 0, 12, 78, 12, 4, 97, 98, 99, 100,
    ];

    /** Through discover, offer and request, up to the acknowledgement. */
    const acknowledge = (): void => {
      begin();
      calls.start!();
      let message: Uint8Array | undefined;
      while (!message) {
        message = poll(1).map(udpPayload).at(-1);
        card.nowUs += 100_000;
      }
      const request = udpPayload(say(toClient(f.dhcpReply(message, 2, B, [...serverIs, ...lease]))).at(-1)!);
      card.deliver(toClient(f.dhcpReply(request, 5, B, [...serverIs, ...lease])));
      calls.poll!();
      take();
    };

    const build: Record<string, () => void> = {
      "dhcp-selecting"() {
        begin();
        calls.start!();
        let discover: Uint8Array | undefined;
        while (!discover) {
          discover = poll(1).at(-1);
          card.nowUs += 100_000;
        }
        const message = udpPayload(discover);
        states.push(save());
        const offer = f.dhcpReply(message, 2, B, [...serverIs, ...lease]);
        seed(states.length - 1, toClient(offer), toClient(f.dhcpReply(message, 5, B, [...serverIs, ...lease])));
        seed(states.length - 1, toClient(f.dhcpReply(message, 5, B, [...serverIs, ...lease])));
        seed(states.length - 1, toClient(f.dhcpReply(message, 2, B, [...serverIs, ...lease], false)));
      },
      "dhcp-requesting"() {
        build["dhcp-selecting"]!();
        const offer = seeds.at(-3)!;
        states.pop();
        for (let i = 0; i < 3; i++) seeds.pop();
        const length = offer[1]! | ((offer[2]! & 7) << 8);
        const request = say(offer.slice(3, 3 + length)).at(-1)!;
        states.push(save());
        const message = udpPayload(request);
        for (const type of [5, 6])
          seed(states.length - 1, toClient(f.dhcpReply(message, type, B, [...serverIs, ...lease])), [
            8192,
            f.arp(f.MAC_B, { operation: 1, senderMac: f.MAC_A, sender: A, target: B }),
          ]);
        seed(
          states.length - 1,
          toClient(f.dhcpReply(message, 5, B, [0, 0, ...serverIs, ...lease.map((b, i) => (i === 1 ? 0 : b))])),
        );
        const overloaded = f.dhcpReply(message, 5, B, [52, 1, 3, ...serverIs, 3, 2, 10, 0]);
        overloaded.set([...lease.slice(0, 12), 3, 1, 0, 255], 108);
        overloaded.set([3, 1, 1, 6, 5, 10, 0, 0, 1, 8, 255], 44);
        seed(states.length - 1, toClient(overloaded));
        seed(
          states.length - 1,
          toClient(
            f.dhcpReply(message, 5, B, [
              ...serverIs,
              51,
              4,
              255,
              255,
              255,
              255,
              1,
              4,
              255,
              255,
              255,
              255,
              3,
              8,
              10,
              1,
              0,
              1,
              10,
              0,
              0,
              1,
              26,
              2,
              2,
              88,
            ]),
          ),
        );
      },
      // Acknowledged, and asking whether anybody else has the address.
      "dhcp-probing"() {
        acknowledge();
        states.push(save());
        const here = states.length - 1;
        const other = Uint8Array.of(2, 7, 7, 7, 7, 7);
        seed(here, f.arp(f.MAC_B, { operation: 2, senderMac: other, sender: B, targetMac: f.MAC_B, target: 0 }));
        seed(here, f.arp(f.MAC_ALL, { operation: 1, senderMac: other, sender: 0, target: B }), [
          8192,
          f.arp(f.MAC_B, { operation: 1, senderMac: f.MAC_A, sender: A, target: B }),
        ]);
        const defended = f.arp(f.MAC_ALL, { operation: 1, senderMac: other, sender: B, target: B });
        seed(
          here,
          [1024, f.arp(f.MAC_B, { operation: 1, senderMac: f.MAC_A, sender: A, target: B })],
          defended,
          [1024, defended],
          defended,
        );
      },
      // Bound, and out of contact for minutes: it asks whether the address is right here.
      "dhcp-rebooting"() {
        acknowledge();
        for (let i = 0; i < 40; i++) poll(1);
        calls.open!(0, ...host("11.0.0.1"), 1883);
        let message: Uint8Array | undefined;
        for (let i = 0; i < 3000 && !message; i++) {
          card.nowUs += 100_000;
          message = poll(1)
            .filter((frame) => f.parse(frame).protocol === 17)
            .map(udpPayload)[0];
        }
        if (!message) throw new Error("nobody was asked whether the address is right");
        states.push(save([0]));
        const here = states.length - 1;
        for (const type of [5, 6]) seed(here, toClient(f.dhcpReply(message, type, B, [...serverIs, ...lease])));
        seed(here, [16384, toClient(f.dhcpReply(message, 2, B + 5, [...serverIs, ...lease]))]);
      },
      idle() {
        beginStatic();
        states.push(save());
        const here = states.length - 1;
        seed(
          here,
          f.arp(f.MAC_B, { operation: 1, senderMac: f.MAC_A, sender: A, target: B }),
          f.arp(f.MAC_ALL, { operation: 2, senderMac: f.MAC_A, sender: A, targetMac: f.MAC_B, target: B }),
        );
        seed(here, f.echoRequest(ab, counted.subarray(0, 60)), f.echoRequest(ab, counted, 0));
        seed(
          here,
          f.udp(ab, 53, 4000, counted.subarray(0, 20)),
          f.udp(ab, 67, 68, counted.subarray(0, 20)),
          f.udp(ab, 9, 9, counted.subarray(0, 9), 17),
        );
        seed(
          here,
          f.ipv4({ ...ab, protocol: 1, options: Uint8Array.of(1, 1, 1, 0) }, counted.subarray(0, 20)),
          f.ipv4({ ...ab, protocol: 17, fragment: 0x2000 }, counted.subarray(0, 20)),
        );
        seed(
          here,
          f.tcp(ab, {
            sourcePort: 4000,
            port: 80,
            sequence: 1,
            flags: f.SYN,
            options: Uint8Array.of(2, 4, 5, 180, 1, 3, 3, 7),
          }),
          f.tcp(ab, { sourcePort: 4000, port: 81, sequence: 1, flags: f.SYN }),
        );
      },
      "dns-asking"() {
        beginStatic();
        calls.open!(0, ...host("server.example"), 1883);
        const query = poll(4).find((frame) => f.parse(frame).protocol === 17);
        if (!query) throw new Error("no DNS query came");
        states.push(save([0]));
        const here = states.length - 1;
        const port = f.at16(f.parse(query).body, 0);
        const message = udpPayload(query);
        const owner = f.name("server.example");
        const pointer = [0xc0, 12];
        const answer = (records: number[][], flags?: number): Uint8Array =>
          f.udp(ab, 53, port, f.dnsReply(message, records, flags));
        seed(here, answer([f.record(owner, 1, 60, [10, 0, 0, 9])]));
        seed(
          here,
          answer([f.record(pointer, 5, 60, f.name("b.example")), f.record(f.name("b.example"), 1, 60, [10, 0, 0, 9])]),
        );
        seed(
          here,
          answer([
            f.record(pointer, 5, 60, [1, 99, 0xc0, 19]),
            f.record([1, 99, 0xc0, 19], 28, 1, new Array<number>(16).fill(1)),
            f.record([1, 99, 0xc0, 19], 1, 0, [10, 0, 0, 8]),
          ]),
        );
        seed(here, answer([], 0x8183));
        seed(here, answer([], 0x8182), [16384, answer([f.record([0xc0, 0x0c], 1, 1, [1, 2, 3, 4])])]);
        seed(here, answer([1, 2, 3].map((last) => f.record(pointer, 1, 0x80000000, [10, 0, 0, last]))));
        seed(
          here,
          answer([f.record(f.name("b.example"), 1, 60, [10, 0, 0, 9]), f.record(pointer, 5, 60, f.name("b.example"))]),
        );
        seed(here, answer([f.record(pointer, 5, 60, f.name("b.example"))]), [
          1024,
          answer([f.record(pointer, 5, 60, pointer)]),
        ]);
        const nothing = f.dnsReply(message, [f.record(owner, 6, 60, [0, 0, ...new Array<number>(20).fill(1)])], 0x8183);
        nothing.set([0, 0, 0, 1], 6);
        seed(here, f.udp(ab, 53, port, nothing));
        seed(here, answer([f.record(pointer, 1, 60, [10, 0, 0, 9]), [0xc0]], 0x8380));
        seed(here, f.unreachable(query, 3), [1024, f.unreachable(query, 3)]);
      },
      // The answer was cut short: the question was asked again over TCP.
      "dns-over-tcp"() {
        beginStatic();
        calls.open!(0, ...host("server.example"), 1883);
        const query = poll(4).find((frame) => f.parse(frame).protocol === 17)!;
        const port = f.at16(f.parse(query).body, 0);
        const syn = lastTcp(say(f.udp(ab, 53, port, f.dnsReply(udpPayload(query), [], 0x8380))));
        const ports = { sourcePort: 53, port: syn.sourcePort };
        let ack = (syn.sequence + 1) >>> 0;
        const asked = lastTcp(say(f.tcp(ab, { ...ports, sequence: 1000, acknowledgement: ack, flags: f.SYN | f.ACK })));
        if (asked.data.length < 14) throw new Error("no question came over TCP");
        ack = (ack + asked.data.length) >>> 0;
        states.push(save([0]));
        const here = states.length - 1;
        const message = asked.data.subarray(2);
        const segment = (sequence: number, data: Uint8Array, flags = f.ACK | f.PSH): Uint8Array =>
          f.tcp(ab, { ...ports, sequence, acknowledgement: ack, flags }, data);
        const framed = (answer: Uint8Array): Uint8Array => Uint8Array.from([...f.be16(answer.length), ...answer]);
        const good = framed(f.dnsReply(message, [f.record([0xc0, 12], 1, 60, [10, 0, 0, 9])]));
        seed(here, segment(1001, good));
        seed(
          here,
          segment(1001, good.subarray(0, 1)),
          segment(1002, good.subarray(1, 20)),
          segment(1021, good.subarray(20)),
        );
        const long = framed(
          f.dnsReply(
            message,
            Array.from({ length: 90 }, (_, i) => f.record([0xc0, 12], 1, 60, [10, 0, 1, i])),
          ),
        );
        seed(
          here,
          segment(1001, long.subarray(0, 900)),
          segment(1901, long.subarray(900)),
          segment(1001 + long.length, Uint8Array.of(1), f.ACK | f.FIN),
        );
        seed(here, segment(1001, Uint8Array.of(255, 255, 1, 2, 3)), segment(1006, new Uint8Array(0), f.ACK | f.FIN));
        seed(here, segment(1001, Uint8Array.of(0, 0)), segment(1001, new Uint8Array(0), f.RST));
        seed(
          here,
          segment(1001, framed(f.dnsReply(message, [], 0x8380))),
          segment(1001, framed(f.dnsReply(message, [], 0x8182))),
        );
      },
      ...Object.fromEntries(
        Object.entries(TcpState)
          .filter(([, number]) => number !== 0)
          .map(([stateName, number]) => [`tcp-${stateName}`, () => tcpState(stateName, number)]),
      ),
    };

    function tcpState(stateName: string, number: number): void {
      beginStatic();
      let next = 1001;
      let ack: number;
      let ports: { sourcePort: number; port: number };
      let handle = 0;
      const segment = (flags: number, data?: Uint8Array, options?: Uint8Array): Uint8Array =>
        f.tcp(ab, { ...ports, sequence: next, acknowledgement: ack, flags, ...(options && { options }) }, data);
      if (stateName === "SynSent") {
        calls.open!(0, ...host("10.0.0.1"), 1883);
        const sent = poll(4);
        const syn = lastTcp(sent);
        ports = { sourcePort: 1883, port: syn.sourcePort };
        ack = (syn.sequence + 1) >>> 0;
        states.push(save([0]));
        const here = states.length - 1;
        next = 1000;
        const synAck = segment(f.SYN | f.ACK, undefined, Uint8Array.of(2, 4, 5, 180, 1, 3, 3, 2));
        seed(here, synAck);
        seed(here, segment(f.RST | f.ACK));
        for (const code of [1, 4]) seed(here, f.unreachable(sent.find((frame) => f.parseTcp(frame))!, code, 1000));
        seed(here, segment(f.SYN));
        next = 1001;
        seed(here, synAck, segment(f.ACK | f.PSH, counted.subarray(0, 50)), segment(f.FIN | f.ACK));
        return;
      }
      ports = { sourcePort: 4000, port: 80 };
      let sent = say(f.tcp(ab, { ...ports, sequence: 1000, flags: f.SYN, options: Uint8Array.of(2, 4, 5, 180) }));
      const synAck = lastTcp(sent);
      ack = (synAck.sequence + 1) >>> 0;
      if (stateName !== "SynReceived") {
        say(segment(f.ACK));
        handle = calls.accept!();
        if (handle < 2) throw new Error("no connection was accepted");
        const close = (): void => {
          calls.close!(handle);
          poll();
        };
        const finFromPeer = (): void => {
          say(segment(f.FIN | f.ACK));
          next++;
        };
        const ackOfFin = (): void => {
          ack++;
          say(segment(f.ACK));
        };
        if (stateName === "Established") {
          instance.memory.set(counted, scratch);
          calls.write!(handle, scratch, 400);
          calls.write!(handle, scratch, 1400);
          sent = poll();
        } else if (stateName === "FinWait1") close();
        else if (stateName === "FinWait2") close(), ackOfFin();
        else if (stateName === "CloseWait") finFromPeer();
        else if (stateName === "LastAck") finFromPeer(), close();
        else if (stateName === "Closing") close(), finFromPeer();
        else if (stateName === "TimeWait") close(), ackOfFin(), finFromPeer();
        if (calls.tcpState!(handle) !== number)
          throw new Error(`the connection is in state ${calls.tcpState!(handle)} and not in ${stateName}`);
      }
      states.push(save(handle >= 2 ? [handle] : []));
      const here = states.length - 1;
      seed(here, segment(f.ACK | f.PSH, counted.subarray(0, 100)));
      seed(here, segment(f.ACK));
      const [onItsWay] = sent.filter((frame) => f.parseTcp(frame));
      if (onItsWay) {
        for (const mtu of [1200, 68, 0, 65535])
          seed(here, f.unreachable(onItsWay, 4, mtu), [4096, f.unreachable(onItsWay, 4, 552)]);
        seed(here, f.unreachable(onItsWay, 3), f.unreachable(onItsWay, 4, 1000, A, 20));
      }
      ack = (ack + (stateName === "Established" ? 400 : 1)) >>> 0;
      seed(here, segment(f.ACK), segment(f.FIN | f.ACK));
      seed(here, segment(f.RST));
      next += 100; // a hole, then what fills it
      const late = segment(f.ACK | f.PSH, counted.subarray(0, 100));
      next -= 100;
      seed(here, late, segment(f.ACK, counted.subarray(0, 100)), [1024, segment(f.FIN | f.ACK)]);
      seed(here, f.tcp(ab, { ...ports, sequence: next, acknowledgement: ack, flags: f.ACK, window: 0 }), [
        2048,
        f.tcp(ab, { ...ports, sequence: next, acknowledgement: ack, flags: f.ACK, window: 100 }),
      ]);
      seed(here, f.tcp(ab, { ...ports, sequence: next, flags: f.SYN }), segment(f.ACK | 0x20, counted));
    }

    for (const stateName of stateNames) build[stateName]!();

    // ---- one input
    // ---------------------------------------------------------------------------------------------------
    function once(input: Uint8Array, filler: number): number {
      const state = states[input.length > 0 ? input[0]! % states.length : 0]!;
      instance.restore(state.memory);
      card.nowUs = state.nowUs;
      card.entropy = state.entropy;
      card.nextTransmit = state.nextTransmit;
      card.free = [...state.free];
      card.ready = [];
      card.sent = [];
      card.owned.clear();
      card.filler = filler;
      let frames = 0;
      for (let at = 1; at + 2 <= input.length && frames < FRAMES_MAX; frames++) {
        const word = input[at]! | (input[at + 1]! << 8);
        const frame = input.subarray(at + 2, Math.min(at + 2 + (word & 2047), at + 2 + 1514));
        at += 2 + (word & 2047);
        const wait = word >> 11;
        if (wait > 0) {
          card.nowUs += 1000 * 2 ** Math.min(wait - 1, 22);
          calls.poll!();
        }
        card.deliver(frame);
        calls.poll!();
        calls.poll!();
      }
      if (card.owned.size > 0 || card.ready.length > 0) throw new Violation("a received frame was not given back");
      if (card.sent.length > (frames + 1) * SENT_PER_FRAME_MAX)
        throw new Violation(`${frames} frames made the stack send ${card.sent.length}`);
      let hash = 0;
      const note = (value: number): void => void (hash = Math.imul(hash ^ value, 16777619));
      for (const frame of card.sent) {
        try {
          f.parse(frame);
        } catch (error) {
          throw new Violation((error as Error).message);
        }
        for (const byte of frame) note(byte);
      }
      for (const handle of state.handles) {
        const got = calls.read!(handle, scratch, 4096);
        if (got > 4096) throw new Violation("more bytes are read than were asked for");
        note(got);
        for (let i = 0; i < got; i++) note(instance.memory[scratch + i]!);
        note(calls.state!(handle));
        note(calls.tcpState!(handle));
      }
      for (let i = 0; i < COUNTERS; i++) note(calls.counter!(i));
      note(calls.address!());
      return hash;
    }

    return {
      name,
      instance,
      inputBytesMax: 4096,
      seeds,
      share,
      dictionary: [
        [0x08, 0x00],
        [0x08, 0x06],
        [0x45],
        [0x46],
        [0x4f],
        [6],
        [17],
        [1],
        [0xc0, 12],
        [0xc0, 0],
        [0x3f],
        [0x40],
        [53, 1, 2],
        [53, 1, 5],
        [53, 1, 6],
        [51, 4, 0, 0, 0, 0],
        [52, 1, 3],
        [3, 4],
        [255],
        [3, 3],
        [3, 4, 0, 0, 0, 0, 2, 88],
        [0x83, 0x80],
        [0, 6, 0, 1],
        [0, 0, 0, 12],
        [99, 130, 83, 99],
        [2, 4, 0, 1],
        [3, 3, 14],
        [3, 3, 255],
        [...f.MAC_ALL],
        [...f.MAC_B],
        f.be32(A),
        f.be32(B),
        f.be32(0xffffffff),
        f.be32(0x7f000001),
        f.be32(0xe0000001),
      ].map((token) => Uint8Array.from(token)),
      mutate: (draft, random) => mutateFrames(draft, random, states.length),
      repair: repairFrames,
      run(input) {
        const first = once(input, 0);
        if (once(input, 0xff) !== first)
          throw new Violation("what lies behind a frame in its buffer makes a difference");
      },
    };
  };
}

function framesIn(draft: Draft): { at: number; length: number }[] {
  const frames: { at: number; length: number }[] = [];
  for (let at = 1; at + 2 <= draft.length; ) {
    const length = (draft.bytes[at]! | (draft.bytes[at + 1]! << 8)) & 2047;
    if (at + 2 + length > draft.length) break;
    frames.push({ at: at + 2, length });
    at += 2 + length;
  }
  return frames;
}

/** Header fields by their places: 14 Ethernet, 20 IPv4, 20 TCP or 8 UDP. */
function mutateFrames(draft: Draft, random: SeededRandom, states: number): void {
  const frames = framesIn(draft);
  if (frames.length === 0 || random.below(12) === 0) {
    if (draft.length > 0) draft.bytes[0] = random.below(states);
    return;
  }
  const { bytes } = draft;
  const { at, length } = random.pick(frames);
  const place = (offset: number): number => at + Math.min(offset, Math.max(0, length - 4));
  switch (random.below(11)) {
    case 0: // the frame again
      return insert(draft, at - 2, bytes.slice(at - 2, at + length));
    case 1: {
      // later
      const word = at - 1;
      bytes[word] = (bytes[word]! & 7) | (random.below(24) << 3);
      return;
    }
    case 2: {
      // shorter or longer, the frames after it where they are
      const change = random.pick([-40, -20, -8, -4, -1, 1, 4, 8, 40]);
      if (change > 0) insert(draft, at + random.below(length + 1), bytes.slice(at, at + Math.min(change, length)));
      else remove(draft, at + Math.max(0, length + change), Math.min(-change, length));
      return setLength(draft, at, Math.max(0, Math.min(2047, length + change)));
    }
    case 3: // sequence numbers, a little or much
    case 4: {
      const field = place(random.pick([38, 42]));
      const now = new DataView(bytes.buffer, bytes.byteOffset).getUint32(field);
      return write(
        bytes,
        field,
        4,
        (now + random.pick([-1, 1, 2, -100, 100, -1000, 1460, 4096, 65535, 0x7fffffff, 0x80000000])) >>> 0,
        false,
      );
    }
    case 5: // flags
      bytes[place(47)] = random.pick([0, 1, 2, 3, 4, 5, 6, 16, 17, 18, 19, 20, 24, 25, 41, 63, 255]);
      return;
    case 6: // window
      return write(bytes, place(48), 2, random.pick([0, 1, 2, 100, 536, 1460, 65535]), false);
    case 7: // header lengths
      bytes[place(random.pick([14, 46]))] = random.pick([0x40, 0x44, 0x45, 0x46, 0x4f, 0x50, 0x60, 0x80, 0xf0, 0]);
      return;
    case 8: // IPv4: total length, fragment
      return write(
        bytes,
        place(random.pick([16, 20])),
        2,
        random.pick([0, 19, 20, 28, 40, 0x2000, 0x1fff, length - 14, length - 15, length - 13, 65535]),
        false,
      );
    case 9: // protocol, or what is behind it
      bytes[place(random.pick([23, 36, 37, 34, 35]))] = random.pick([0, 1, 6, 17, 53, 67, 68, 80, 255]);
      return;
    default:
      bytes[at + random.below(Math.max(1, length))] = random.next();
  }
}

function setLength(draft: Draft, at: number, length: number): void {
  draft.bytes[at - 2] = length;
  draft.bytes[at - 1] = (draft.bytes[at - 1]! & 0xf8) | (length >> 8);
}

/** Lengths and checksums of sound IPv4, TCP, UDP and ICMP. */
function repairFrames(draft: Draft, random: SeededRandom): void {
  const { bytes } = draft;
  for (const { at, length } of framesIn(draft)) {
    if (length < 34 || bytes[at + 12] !== 8 || bytes[at + 13] !== 0) continue;
    const frame = bytes.subarray(at, at + length);
    const ip = frame.subarray(14);
    const header = (ip[0]! & 15) * 4;
    if (header < 20 || header > ip.length) continue;
    if (random.below(6) !== 0) write(ip, 2, 2, ip.length, false);
    write(ip, 10, 2, 0, false);
    write(ip, 10, 2, f.checksum(ip.subarray(0, header)), false);
    const total = Math.min((ip[2]! << 8) | ip[3]!, ip.length);
    const body = ip.subarray(header, Math.max(header, total));
    const protocol = ip[9]!;
    const checkAt = protocol === 6 ? 16 : protocol === 17 ? 6 : protocol === 1 ? 2 : undefined;
    if (checkAt === undefined || body.length < checkAt + 2) continue;
    if (protocol === 17 && random.below(6) !== 0) write(body, 4, 2, body.length, false);
    write(body, checkAt, 2, 0, false);
    const pseudo = Uint8Array.from([...ip.subarray(12, 20), 0, protocol, body.length >> 8, body.length & 255, ...body]);
    write(body, checkAt, 2, f.checksum(protocol === 1 ? body : pseudo) || 0xffff, false);
  }
}

export const dhcp = openNetwork("dhcp", ["dhcp-selecting", "dhcp-requesting", "dhcp-probing", "dhcp-rebooting"], 0.03);
export const dns = openNetwork("dns", ["dns-asking", "dns-over-tcp"], 0.06);
export const frames = openNetwork("frames", ["idle"], 0.05);
export const tcp = openNetwork(
  "tcp",
  Object.keys(TcpState)
    .filter((name) => name !== "Closed")
    .map((name) => `tcp-${name}`),
  0.05,
);
