// A hostile server's bytes on a TLS connection, before and after there are keys: whatever they are cut into, the client
// tells the same; it takes a server for proven by the one right flight and nothing else; and what it gives out is what
// was sealed as data, from the first on.
//
// Input: u8 where the connection is (Stage), then items: u8 content type (255: bytes on the wire, unsealed), u16
// length, content. Behind ServerHello contents are sealed by the server's keys, so that the readers behind them are
// reached.

import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { ContentType, message, MessageType, record, sized16, TlsPeer, u8 } from "../../../apps/agent/test/tls/peer.ts";
import { assemblyEntry, compileForFuzzing } from "../engine/compile.ts";
import { FuzzInstance, type Snapshot } from "../engine/instance.ts";
import { insert, write } from "../engine/mutate.ts";
import { type Draft, type OpenTarget, Violation } from "../engine/target.ts";

const RAW = 255;
const PSK = 1;
const PINNED = 2;

const seedOf = (text: string): Buffer => Buffer.alloc(32, text);
const ed25519 = createPrivateKey({
  key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seedOf("a broker's key ")]),
  format: "der",
  type: "pkcs8",
});
const spki = createPublicKey(ed25519).export({ type: "spki", format: "der" });

const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  const length = content.length < 128 ? [content.length] : [0x81, content.length];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
};

/** Self-signed, and the same each time. */
function certificateOf(): Buffer {
  const algorithm = der(0x30, der(0x06, Buffer.from("2b6570", "hex")));
  const name = der(0x30, der(0x31, der(0x30, der(0x06, Buffer.from("550403", "hex")), der(0x0c, Buffer.from("fuzz")))));
  const times = [der(0x17, Buffer.from("260101000000Z")), der(0x17, Buffer.from("360101000000Z"))];
  const tbs = der(
    0x30,
    der(0xa0, der(0x02, u8(2))),
    der(0x02, u8(1)),
    algorithm,
    name,
    der(0x30, ...times),
    name,
    spki,
  );
  return der(0x30, tbs, algorithm, der(0x03, u8(0), sign(null, tbs, ed25519)));
}

interface Stage {
  snapshot: Snapshot;
  isSealed: boolean;
  /** All messages that make the server proven from here; undefined: it is already, or can't be from here. */
  flight: Buffer | undefined;
}

const item = (kind: number, content: Uint8Array): Buffer => Buffer.concat([u8(kind), sized16(content)]);

/** Brings the instance to each of the four moments. */
function stagesOf(instance: FuzzInstance): { stages: Stage[]; hello: Buffer; certificate: Buffer } {
  const { exports, memory } = instance;
  const start = instance.save();
  const stages: Stage[] = [];
  const put = (at: number, bytes: Uint8Array): void => memory.set(bytes, at);
  const give = (bytes: Uint8Array): void => {
    put(exports.wirePtr!(), bytes);
    exports.give!(bytes.length);
  };
  const useSecret = (secret: Uint8Array): void => {
    put(exports.serverSecret!(), secret);
    exports.useServerSecret!();
  };
  const stage = (isSealed: boolean, flight?: Buffer): void =>
    void stages.push({ snapshot: instance.save(), isSealed, flight });
  const certificate = certificateOf();
  let hello: Buffer = Buffer.alloc(0);
  for (const mode of [PSK, PINNED]) {
    instance.restore(start);
    const key = mode === PSK ? seedOf("a pre-shared key") : spki.subarray(-32);
    put(exports.keyPtr!(), key);
    exports.begin!(mode);
    const pair = seedOf("an ephemeral key");
    const peer = new TlsPeer(
      mode === PSK
        ? { key, ephemeralSeed: pair }
        : { certificate: { der: certificate, key: ed25519 }, ephemeralSeed: pair },
    );
    peer.hear(Buffer.from(memory.subarray(exports.written!(), exports.written!() + exports.writtenBytes!())));
    if (mode === PSK) stage(false);
    const made = record(ContentType.handshake, peer.note(peer.serverHello(undefined, seedOf("server random"))));
    if (mode === PSK) hello = made;
    give(made);
    peer.agree();
    useSecret(peer.writing.secret);
    const behind = instance.save();
    const parts = [peer.note(peer.encryptedExtensions())];
    if (mode === PINNED) {
      parts.push(peer.note(peer.certificate()));
      parts.push(peer.note(peer.certificateVerify()));
    }
    parts.push(peer.note(peer.finished()));
    const flight = Buffer.concat(parts);
    stages.push({ snapshot: behind, isSealed: true, flight });
    if (mode === PINNED) continue;
    give(peer.writing.seal(ContentType.handshake, flight));
    if (exports.established!() !== 1) throw new Error("the flight that is right was not taken");
    peer.reachMain();
    peer.writeTraffic();
    useSecret(peer.writing.secret);
    stage(true);
  }
  // In clear, behind ServerHello by a key and by a certificate, and open.
  const [clear, psk, open, pinned] = stages as [Stage, Stage, Stage, Stage];
  return { stages: [clear, psk, pinned, open], hello, certificate };
}

interface Item {
  kind: number;
  content: Uint8Array;
}

function itemsIn(input: Uint8Array): Item[] {
  const items: Item[] = [];
  for (let at = 1; at + 3 <= input.length; ) {
    const length = Math.min((input[at + 1]! << 8) | input[at + 2]!, input.length - at - 3, 4400);
    items.push({ kind: input[at]!, content: input.subarray(at + 3, at + 3 + length) });
    at += 3 + length;
  }
  return items;
}

const joined = (items: Item[], kind: number): Buffer =>
  Buffer.concat(items.filter((each) => each.kind === kind).map(({ content }) => content));

function seedsOf(stages: Stage[], hello: Buffer): Uint8Array[] {
  const at = (stage: number, ...items: Buffer[]): Uint8Array => Buffer.concat([u8(stage), ...items]);
  const { handshake, applicationData, alert, changeCipherSpec } = ContentType;
  const keyUpdate = (wanted: number): Buffer => item(handshake, message(MessageType.keyUpdate, u8(wanted)));
  return [
    at(0, item(RAW, hello)),
    at(0, item(RAW, record(alert, Buffer.from([2, 40])))),
    at(0, item(RAW, record(changeCipherSpec, u8(1))), item(RAW, hello)),
    ...[1, 2].map((stage) => at(stage, item(handshake, stages[stage]!.flight!))),
    ...[1, 2].map((stage) => {
      const { flight } = stages[stage]!;
      return at(stage, item(handshake, flight!.subarray(0, 3)), item(handshake, flight!.subarray(3)));
    }),
    at(3, item(applicationData, Buffer.from("data")), item(alert, Buffer.from([1, 0]))),
    at(3, item(applicationData, Buffer.alloc(3000, "long ")), keyUpdate(1), item(applicationData, Buffer.from("x"))),
    at(3, item(handshake, message(MessageType.newSessionTicket, Buffer.alloc(120))), keyUpdate(0)),
  ];
}

/** Where items begin. */
function placesIn({ bytes, length }: Draft): number[] {
  const places: number[] = [];
  for (let at = 1; at + 3 <= length; at += 3 + ((bytes[at + 1]! << 8) | bytes[at + 2]!)) places.push(at);
  return places;
}

export const tls: OpenTarget = async (patches = []) => {
  const instance = new FuzzInstance(await compileForFuzzing(assemblyEntry("tls"), 3, patches), () => ({
    entropy: () => -3,
    clock_us: () => 0n,
  }));
  const { stages, hello, certificate } = stagesOf(instance);
  function told(input: Uint8Array, piece: number, random: number): { hash: number; bytes: Buffer; proven: number } {
    const { snapshot, isSealed } = stages[(input[0] ?? 0) & 3]!;
    instance.restore(snapshot);
    const items = input.subarray(1);
    const hash = instance.exports.run!(instance.put(items), items.length, Number(isSealed), piece, random);
    const at = instance.exports.toldPtr!();
    const bytes = Buffer.from(instance.memory.subarray(at, at + instance.exports.toldLength!()));
    return { hash, bytes, proven: instance.exports.established!() };
  }
  return {
    name: "tls",
    instance,
    inputBytesMax: 8192,
    seeds: seedsOf(stages, hello),
    dictionary: [certificate, hello, ...stages.flatMap(({ flight }) => (flight ? [new Uint8Array(flight)] : []))],
    share: 0.05,
    mutate(draft: Draft, random: SeededRandom) {
      const places = placesIn(draft);
      const at = places.length > 0 ? random.pick(places) : 1;
      if (random.below(3) === 0)
        insert(draft, at, item(random.pick([20, 21, 22, 23, RAW]), Buffer.alloc(random.below(40))));
      else if (random.below(2) === 0) draft.bytes[at] = random.pick([20, 21, 22, 23, 0, RAW]);
      // The length of a message, and what kind it is.
      else if (at + 7 <= draft.length)
        write(draft.bytes, at + 3 + random.below(4), 1, random.pick([0, 1, 4, 8, 11, 15, 20, 24, 255]), true);
      else draft.bytes[0] = random.below(4);
    },
    run(input) {
      const whole = told(input, 24_576, 0);
      const stage = stages[(input[0] ?? 0) & 3]!;
      const items = itemsIn(input);
      if (whole.proven > (stage.isSealed ? 1 : 0)) throw new Violation("a server is taken for proven out of its turn");
      if (stage.flight !== undefined && whole.proven === 1) {
        const said = joined(items, ContentType.handshake);
        if (!said.subarray(0, stage.flight.length).equals(stage.flight))
          throw new Violation("a server is taken for proven by something else than its flight");
      }
      if (!joined(items, ContentType.applicationData).subarray(0, whole.bytes.length).equals(whole.bytes))
        throw new Violation("the stream gives out what was not sealed as data");
      if (told(input, 1, 0).hash !== whole.hash)
        throw new Violation("byte by byte, the stream tells something else than when the input comes whole");
      // Of the input itself, so that it replays.
      const random = input.reduce((sum, byte) => (Math.imul(sum, 31) + byte) | 0, 7);
      if (told(input, 0, random).hash !== whole.hash)
        throw new Violation("in random pieces, the stream tells something else than when the input comes whole");
    },
  };
};
