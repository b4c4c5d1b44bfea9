// How a device asks for the pieces of an update, over a link that the input makes fast, slow, lossy or still: what it
// asks for, when it looks for a sign of life, when it asks again and how long it waits are those of a model of
// docs/protocol.md ("Fetch and chunk") and of RFC 6298.
//
// Input: steps of 4 bytes, see `Step`; each takes time, by its second byte.

import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { assemblyEntry, compileForFuzzing } from "../engine/compile.ts";
import { FuzzInstance } from "../engine/instance.ts";
import { expectSame, type OpenTarget, Violation } from "../engine/target.ts";
import { agentGrants } from "@flipside/machine/grants";
import { PacketType } from "@flipside/protocol/mqtt/packet";
import { connackPacket, ConnectReturn, emptyPacket } from "@flipside/protocol/mqtt/write";
import { topicPrefixOf } from "@flipside/protocol/topics";
import { MqttWire } from "../../../apps/power-cut/src/server/mqtt-wire.ts";
import { DeviceHost } from "./device-host.ts";
import { layout } from "./device-images.ts";
import { changeStep, stepsIn, times } from "./steps.ts";

/** With a time, see UNITS_US, and two bytes each. */
const enum Step {
  Run,
  /** How long the piece is. */
  Arrive,
  /** How many whole ones, each so long after the other. */
  ArriveMany,
  /** How long it is: a piece that is not the table's. */
  Wrong,
  /** -; of the other part, or how far off. */
  Stray,
  Pong,
  NewSession,
  /** First piece and how many; the part is the time's lowest bit. */
  Begin,
  /** A table that is not the signed one. */
  FromStart,
  /** The session is not proven any more, or is again; the link takes nothing any more, or does again. */
  Proven,
  Stall,
  Count,
}
const STEP_BYTES = 4;
const STEPS_MAX = 64;
const UNITS_US = [1_000, 10_000, 50_000, 100_000, 333_333, 1_000_000, 4_000_000, 1];
/** Pieces from 1024 bytes on say how fast the link is. */
const PIECE_BYTES = [4096, 1024, 1023, 256];
const CONNACK = [...connackPacket(ConnectReturn.Accepted)];
const PINGRESP = [...emptyPacket(PacketType.Pingresp)];
/** The device of this target has no name. */
const TOPIC_PREFIX = topicPrefixOf("");
/** When a session that is not proven, and a link that takes nothing, are looked at again. */
const UNPROVEN_US = 2_000_000;
const RETRY_US = 50_000;
const PONG_POLL_US = 250_000;

interface Asked {
  part: number;
  first: number;
  count: number;
}

class Model {
  part = 0;
  next = 0;
  count = 0;
  /** The first that was not asked for. */
  asked = 0;
  /** Since when nothing has come. */
  sinceUs = 0;
  /** Another piece was under way when the last one came: the time to it is the link's alone. */
  wasBehindAnother = false;
  /** RFC 6298. */
  srttUs = 0;
  rttvarUs = 0;
  rtoUs = 2_000_000;
  /** What one piece takes; 0: not known. */
  pieceUs = 0;
  window = 2;
  pongs = 0;
  /** Pongs before the one that is waited for. */
  awaited: number | undefined;
  isProven = true;
  /** Bytes wait for the link: there is no room for a request. */
  isStalled = false;
  hasUnsent = false;

  get isDone(): boolean {
    return this.next === this.count;
  }
  get checkInSpacingUs(): number {
    return this.pieceUs === 0 ? 10_000_000 : Math.min(30_000_000, 16 * this.pieceUs);
  }

  forget(): void {
    this.asked = this.next;
    this.wasBehindAnother = false;
    this.awaited = undefined;
  }
  begin(part: number, first: number, count: number): void {
    Object.assign(this, { part, count, next: first });
    this.forget();
  }
  newSession(): void {
    this.forget();
    Object.assign(this, { pieceUs: 0, srttUs: 0, rtoUs: 2_000_000, window: 2 });
  }

  arrives(bytes: number, nowUs: number): void {
    if (this.asked > this.next) this.#measure(nowUs - this.sinceUs, bytes);
    this.sinceUs = nowUs;
    this.awaited = undefined;
    this.wasBehindAnother = this.asked - this.next > 1;
  }
  taken(): void {
    this.next++;
    this.asked = Math.max(this.asked, this.next);
  }

  #measure(us: number, bytes: number): void {
    if (this.srttUs === 0) {
      this.srttUs = us;
      this.rttvarUs = Math.floor(us / 2);
    } else {
      const off = us - this.srttUs;
      this.rttvarUs += Math.floor((Math.abs(off) - this.rttvarUs) / 4);
      this.srttUs += Math.floor(off / 8);
    }
    this.rtoUs = Math.max(1_000_000, Math.min(60_000_000, this.srttUs + 4 * this.rttvarUs));
    if (bytes < 1024) return;
    if (this.pieceUs === 0) this.pieceUs = us;
    else if (this.wasBehindAnother || us < this.pieceUs || this.window === 1)
      this.pieceUs += Math.floor((us - this.pieceUs) / 4);
    // What the link delivers in four seconds.
    this.window = Math.max(1, Math.min(8, Math.floor(4_000_000 / this.pieceUs)));
  }

  /** What is sent, and when the device wants to look again. */
  run(nowUs: number): { ping: boolean; asks?: Asked; againUs: number } {
    if (!this.isProven) return { ping: false, againUs: nowUs + UNPROVEN_US };
    let ping = false;
    if (this.asked > this.next) {
      if (this.awaited === undefined) ping = nowUs - this.sinceUs >= this.rtoUs;
      else if (this.pongs > this.awaited) {
        this.forget();
        this.rtoUs = Math.min(60_000_000, 2 * this.rtoUs);
      }
    }
    if (ping) {
      this.awaited = this.pongs;
      this.hasUnsent = true;
    }
    const underWay = this.asked - this.next;
    const count = Math.min(Math.max(0, this.window - underWay), this.count - this.asked);
    let asks: Asked | undefined;
    if (count > 0 && 2 * underWay <= this.window) {
      if (this.hasUnsent) return { ping, againUs: nowUs + RETRY_US };
      asks = { part: this.part, first: this.asked, count };
      this.hasUnsent = true;
      this.asked += count;
      if (underWay === 0) this.sinceUs = nowUs;
    }
    return {
      ping,
      ...(asks && { asks }),
      againUs: this.awaited === undefined ? this.sinceUs + this.rtoUs : nowUs + PONG_POLL_US,
    };
  }
}

const step = (what: Step, a = 0, b = 0, c = 0): number[] => [what, a, b, c];
const inputOf = (...steps: readonly (readonly number[])[]): Uint8Array => Uint8Array.from(steps.flat());
/** Takes so many of a unit of time; see UNITS_US. */
const time = (unit: number, count: number): number => unit | ((count - 1) << 3);
const SECOND = 5;
const drawn = (seed: number): Uint8Array => {
  const random = new SeededRandom(seed);
  // Two or three speeds an input: a rate has to last to be measured.
  const units = [random.below(8), random.below(8), 4];
  const usual = [Step.Run, Step.Run, Step.Run, Step.Arrive, Step.Arrive, Step.Arrive, Step.ArriveMany];
  const any = (): number[] => {
    const what = random.below(6) === 0 ? random.below(Step.Count) : random.pick([...usual, Step.Pong]);
    const count = 1 + random.below(random.below(3) === 0 ? 32 : 4);
    return step(
      what,
      time(random.pick(units), count),
      random.below(4) === 0 ? random.below(256) : 0,
      random.below(256),
    );
  };
  return inputOf(step(Step.Begin, 0, 1, 200), ...Array.from({ length: STEPS_MAX - 1 }, any));
};
const run = step(Step.Run);
const arrive = (unit: number, count: number, size = 0): number[] => step(Step.Arrive, time(unit, count), size);

export const chunkFetch: OpenTarget = async (patches = []) => {
  const fuzzed = await compileForFuzzing(assemblyEntry("chunk-fetch"), 2, patches);
  const host: DeviceHost = new DeviceHost(layout, () => instance, agentGrants);
  const instance: FuzzInstance = new FuzzInstance(fuzzed, () => host.imports);
  const { exports: calls, memory } = instance;
  const [givenAt, sentAt] = ["given", "sent"].map(
    (name) => (instance.exports[name] as unknown as WebAssembly.Global).value as number,
  ) as [number, number];
  const CONNECTED = 1;
  const poll = (nowUs: number, bytes: number[] = []): number => {
    memory.set(bytes, givenAt);
    return calls.poll!(nowUs, bytes.length);
  };
  /** The server's end: what was asked for, and how many signs of life were. */
  let asks: unknown[] = [];
  const wire = new MqttWire(
    {
      isAt: () => true,
      connect: () => 0,
      message(leaf, payload) {
        if (leaf !== "fetch") throw new Violation(`a message on ${leaf}`);
        asks.push(JSON.parse(Buffer.from(payload).toString()));
      },
    },
    TOPIC_PREFIX,
  );
  const answers = new Uint8Array(256);
  const readSent = (): { asks: unknown[]; pings: number } => {
    asks = [];
    wire.write(memory.subarray(sentAt, sentAt + calls.takeSent!()));
    // It answers nothing else; the device gets its answers when the input says so.
    return { asks, pings: wire.hasData ? wire.read(answers) / PINGRESP.length : 0 };
  };
  wire.open("", 0);
  calls.open!();
  poll(0);
  if (poll(1, CONNACK) !== CONNECTED) throw new Error("the client of this target does not connect");
  calls.takeSent!();
  const atStart = instance.save();

  return {
    name: "chunk-fetch",
    instance,
    inputBytesMax: STEP_BYTES * STEPS_MAX,
    share: 0.01,
    dictionary: Array.from({ length: Step.Count }, (_, what) => Uint8Array.from([what])),
    seeds: [
      // A fast link, a slow one, one that becomes slow; small pieces, which say nothing of it.
      inputOf(step(Step.Begin, 0, 1, 40), run, ...times(12, arrive(2, 1), run), ...times(12, arrive(SECOND, 3), run)),
      inputOf(step(Step.Begin, 0, 1, 40), run, ...times(10, arrive(SECOND, 5), run), ...times(10, arrive(4, 2), run)),
      inputOf(
        step(Step.Begin, 0, 0, 5),
        run,
        arrive(3, 3, 3),
        run,
        arrive(3, 3, 2),
        run,
        arrive(3, 3, 1),
        run,
        arrive(3, 9),
        run,
        arrive(3, 9),
      ),
      // Nothing comes, and a sign of life does, again and again; then what was asked for comes after all.
      inputOf(
        step(Step.Begin, 0, 1, 40),
        run,
        ...times(8, step(Step.Run, time(6, 32)), step(Step.Run, time(3, 1)), step(Step.Pong), run),
        arrive(3, 1),
        run,
        arrive(3, 1),
        run,
      ),
      inputOf(
        step(Step.Begin, 0, 1, 40),
        run,
        arrive(4, 1),
        run,
        step(Step.Wrong, time(4, 1)),
        arrive(4, 1),
        run,
        arrive(SECOND, 2),
        run,
        step(Step.NewSession),
        run,
        arrive(4, 2),
        run,
        arrive(4, 2),
        run,
      ),
      inputOf(
        step(Step.Begin, 0, 1, 40),
        run,
        step(Step.Wrong),
        arrive(3, 1),
        arrive(3, 1),
        run,
        step(Step.Stall),
        run,
        run,
        step(Step.Wrong),
        run,
        run,
        step(Step.Stall),
        run,
        run,
      ),
      inputOf(
        step(Step.Proven),
        step(Step.Begin, 0, 0, 3),
        run,
        step(Step.Proven),
        run,
        step(Step.Stray),
        step(Step.Stray, 0, 0, 1),
        arrive(4, 1),
        step(Step.FromStart),
        run,
      ),
      ...Array.from({ length: 24 }, (_, seed) => drawn(seed)),
    ],
    mutate: (draft, random) => changeStep(draft, 0, STEP_BYTES, Step.Count, random),
    run(input) {
      instance.restore(atStart);
      const model = new Model();
      let nowUs = 1_000_000;
      /** What has been sent by now, and the model has said. */
      let expected: { asks: Asked[]; pings: number } = { asks: [], pings: 0 };

      const carry = (bytes: number[] = []): void => {
        poll(nowUs, bytes);
        const { asks, pings } = readSent();
        if (model.isStalled) {
          if (asks.length + pings > 0) throw new Error("a link that stands still carries something");
          return;
        }
        model.hasUnsent = false;
        expectSame(pings, expected.pings, "signs of life that were asked for");
        const wanted = expected.asks.map((each) => ({
          session: Buffer.alloc(16).toString("base64url"),
          deployment: "d-1",
          attempt: 7,
          ...each,
        }));
        if (JSON.stringify(asks) !== JSON.stringify(wanted))
          throw new Violation(`asked for ${JSON.stringify(asks)}, not ${JSON.stringify(wanted)}`);
        expected = { asks: [], pings: 0 };
      };
      const arrives = (bytes: number, isRight: boolean): void => {
        if (model.isDone) return;
        expectSame(calls.isNext!(model.part, model.next, bytes, nowUs), 1, "the next piece is taken");
        model.arrives(bytes, nowUs);
        if (isRight) {
          calls.advance!();
          model.taken();
        } else {
          calls.askAgain!();
          model.forget();
        }
      };

      for (const [what = 0, a = 0, b = 0, c = 0] of stepsIn(input, 0, STEP_BYTES)) {
        nowUs += UNITS_US[a & 7]! * ((a >> 3) + 1);
        switch (what % Step.Count) {
          case Step.Run: {
            const { ping, asks, againUs } = model.run(nowUs);
            if (ping) expected.pings++;
            if (asks) expected.asks.push(asks);
            expectSame(calls.run!(nowUs), againUs, "when the device wants to look again");
            carry();
            break;
          }
          case Step.Arrive:
            arrives(PIECE_BYTES[b & 3]!, true);
            break;
          case Step.ArriveMany: // one behind the other
            for (let i = 0; i < (b & 7); i++) {
              arrives(PIECE_BYTES[0]!, true);
              nowUs += UNITS_US[a & 7]!;
            }
            break;
          case Step.Wrong:
            arrives(PIECE_BYTES[b & 3]!, false);
            break;
          case Step.Stray: {
            // of another part, or another number
            const [part, index] = c === 0 ? [1 - model.part, model.next] : [model.part, model.next + (c & 1 ? c : -c)];
            expectSame(calls.isNext!(part, index, 4096, nowUs), 0, "a piece is taken that is not the next");
            break;
          }
          case Step.Pong:
            model.pongs++;
            carry(PINGRESP);
            break;
          case Step.NewSession:
            calls.onNewSession!();
            model.newSession();
            break;
          case Step.Begin: {
            const first = b % (c + 1);
            calls.begin!(a & 1, first, c);
            model.begin(a & 1, first, c);
            break;
          }
          case Step.FromStart:
            calls.fromStart!();
            model.next = 0;
            model.forget();
            break;
          case Step.Proven:
            model.isProven = !model.isProven;
            calls.setProven!(Number(model.isProven));
            break;
          case Step.Stall:
            model.isStalled = !model.isStalled;
            calls.setTakes!(Number(!model.isStalled));
            carry();
            break;
        }
        expectSame(calls.next!(), model.next, "the next piece");
        expectSame(calls.isDone!(), Number(model.isDone), "all pieces have come");
        expectSame(calls.checkInSpacingUs!(), model.checkInSpacingUs, "time between check-ins");
      }
    },
  };
};
