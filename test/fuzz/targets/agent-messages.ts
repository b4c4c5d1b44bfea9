// The whole agent behind a hostile server: messages on `challenge`, `offer`, `chunk` and `command`, in any order, with time in
// between. Only what flash-watch.ts allows is written, of images that were offered in a proven session and may be installed; a
// command is answered as a plain reading of docs/protocol.md, "Commands", says, and does nothing unless that is code 0.
//
// Input: u8 where the session stands (starts below); then items (items.ts).

import { type BootRecord, encodeSignatureBlock, ErrorCode, parseSignatureBlock, SlotState } from "@flipside/image-format";
import type { SeededRandom } from "../../../apps/agent/hosts/fault/seeded-random.ts";
import { BootReason, Zone } from "../../../apps/agent/hosts/node/abi.ts";
import { chunkMessage } from "../../../apps/power-cut/src/server/chunk-message.ts";
import { commandBody, type CommandParts } from "../../../apps/power-cut/src/server/signed-command.ts";
import { insert, write } from "../engine/mutate.ts";
import { type Draft, type OpenTarget, type Target, text, Violation } from "../engine/target.ts";
import { AgentDevice, deviceSecret, RUNNING_SEQUENCE, type Start } from "./agent-device.ts";
import { addressOf, argumentsOf, bindingOf, hasCommandForm } from "./command-form.ts";
import { Left } from "./device-host.ts";
import { type Admitted, layout, makeImage, strictVerifier } from "./device-images.ts";
import { FlashWatch } from "./flash-watch.ts";
import { fuzzedIdentity } from "./formats.ts";
import { item, type Item, itemsIn, itemsOf, replaceItem, shuffleItems } from "./items.ts";
import { bytesOf, operationsKey, releaseKey, secondReleaseKey, sha256Of } from "./keys.ts";
import { deviceHash, permitHolds } from "./permit-holds.ts";
import { type Address, countingSettings } from "./settings-record.ts";
import { isSigned } from "./signed.ts";

const ITEMS_AT = 1;
const enum Kind {
  /** Put: the leaf. What is published as it comes; $S is the session. */
  Raw,
  /** Put: OFFER_*. u8 deployment, u32 attempt, i16 bytes more than the file has, u32 deadline, u16 bytes of header, of signatures, of permit (0: none); these. */
  Offer,
  /** Put: COMMAND_*. Body and signature block. */
  Command,
  /** Put: CHUNK_*. The message. */
  Chunk,
  /** u8 how many, u8 which of them has a bit changed: answers to fetches, from the image that is offered. */
  Serve,
  /** u32 milliseconds. */
  Time,
  /** Put 1: by a false server. The next step of the session. */
  Prove,
  /** The connection is lost. */
  Lost,
  Count,
}
const leaves = ["challenge", "offer", "chunk", "command"] as const;
const OFFER_SIGN = 1, OFFER_PERMIT_DIGEST = 2, OFFER_PERMIT_SIGN = 4, OFFER_OTHER_SESSION = 8;
const COMMAND_DEVICE = 1, COMMAND_NONCE = 2, COMMAND_SIGN = 4, COMMAND_SIGN_BY_RELEASE = 8, COMMAND_OTHER_SESSION = 16;
const CHUNK_IMAGE = 1, CHUNK_WANTED = 2;
const OFFER_FIXED_BYTES = 17;
const BODY_BYTES = 132;
const COMMAND_BYTES_MAX = 720;
const PIECE_BYTES = 4096;
const TIME_MAX_MS = 70_000;
/** From a message to the next: what the agent puts off for want of room comes 50 ms later. */
const LATENCY_MS = 60;

const u32 = (value: number): number[] => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
const joined = (...parts: ArrayLike<number>[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => Array.from(part)));
const time = (ms: number): Uint8Array => item(Kind.Time, 0, u32(ms));
const serve = (count: number, changed = 255): Uint8Array => item(Kind.Serve, 0, [count, changed]);
const prove = (put = 0): Uint8Array => item(Kind.Prove, put, []);
const lost = (): Uint8Array => item(Kind.Lost, 0, []);
const raw = (leaf: (typeof leaves)[number], payload: string): Uint8Array => item(Kind.Raw, leaves.indexOf(leaf), Buffer.from(payload, "latin1"));
const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** An image file's parts. */
interface Parts {
  header: Uint8Array;
  signatures: Uint8Array;
  table: Uint8Array;
  payload: Uint8Array;
  chunkBytes: number;
}

function partsOf(file: Uint8Array, chunkBytes: number): Parts {
  const headerBytes = file[6]! | (file[7]! << 8);
  const blockAt = headerBytes;
  const tableAt = blockAt + (file[blockAt + 6]! | (file[blockAt + 7]! << 8));
  // One chunk table entry to a chunk, so the rest says how many there are.
  let chunks = 1;
  while (Math.ceil((file.length - tableAt - 32 * chunks) / chunkBytes) > chunks) chunks++;
  const payloadAt = tableAt + 32 * chunks;
  return { header: file.slice(0, headerBytes), signatures: file.slice(blockAt, tableAt), table: file.slice(tableAt, payloadAt), payload: file.slice(payloadAt), chunkBytes };
}

interface OfferOptions {
  put?: number;
  deployment?: number;
  attempt?: number;
  more?: number;
  deadlineMs?: number;
  permit?: Uint8Array;
}

const offer = ({ header, signatures }: Pick<Parts, "header" | "signatures">, { put = 0, deployment = 1, attempt = 1, more = 0, deadlineMs = 600_000, permit = new Uint8Array(0) }: OfferOptions = {}): Uint8Array =>
  item(Kind.Offer, put, joined([deployment], u32(attempt), [more & 255, (more >> 8) & 255], u32(deadlineMs), [header, signatures, permit].flatMap(({ length }) => [length & 255, length >> 8]), header, signatures, permit));

const command = (parts: Pick<CommandParts, "number" | "kind" | "host" | "port"> & { id?: string }, put = COMMAND_DEVICE | COMMAND_NONCE | COMMAND_SIGN): Uint8Array =>
  item(Kind.Command, put, joined(commandBody({ deviceId: fuzzedIdentity.deviceId, id: "c1".repeat(16), deviceNonce: "", ...parts }), encodeSignatureBlock([{ keyId: operationsKey.id, signature: new Uint8Array(64) }])));

function permitBytes(digest: Uint8Array, device: Uint8Array = new Uint8Array(32)): Uint8Array {
  const body = joined(Buffer.from("FSPM\x01\x00\x48\x00", "latin1"), digest, device);
  return joined(body, encodeSignatureBlock([{ keyId: releaseKey.id, signature: releaseKey.sign("permit", body) }]));
}

export const agentMessages: OpenTarget = async (patches = []): Promise<Target> => {
  const device = await AgentDevice.open(patches);
  const { host, server } = device;
  const verifier = await strictVerifier();
  const watch = new FlashWatch(host, verifier);
  const watched = host.onChange;
  host.onChange = (change) => {
    if (change.zone === Zone.Trust) throw new Violation("the trust record is changed");
    watched(change);
  };

  const good = partsOf(await makeImage("new", { releaseSequence: 6, securityCounter: 2 }), 256);
  const large = partsOf(await makeImage("large", { releaseSequence: 7, securityCounter: 2 }, { payloadBytes: 17_000, chunkBytes: 1024 }), 1024);
  const old = partsOf(await makeImage("old", { releaseSequence: 3 }), 256);
  const older = partsOf(device.older, 256);
  const bySecond = { ...good, signatures: encodeSignatureBlock([{ keyId: secondReleaseKey.id, signature: secondReleaseKey.sign("image", good.header) }]) };
  const damaged = { ...good, payload: good.payload.map((byte, i) => (i === 300 ? byte ^ 1 : byte)) };
  const pool = [
    good, large, old, older, partsOf(device.running, 256), bySecond, partsOf(await makeImage("below", { releaseSequence: 8, securityCounter: 0 }), 256),
    partsOf(await makeImage("foreign", { product: "another" }), 256), partsOf(await makeImage("hardware", { hardware: { name: "virtual", revisionMin: 2, revisionMax: 3 } }), 256),
    partsOf(await makeImage("window", { releaseSequence: 9, loadAddress: 65536 - 596, entryAddress: 65536 - 596 }), 256), partsOf(await makeImage("short", { releaseSequence: 9, tries: 1 }, { payloadBytes: 17 }), 256),
  ];
  const wholes = [...pool, damaged];
  const contentOf = (header: Uint8Array): Parts | undefined => wholes.find(({ table }) => Buffer.from(header).includes(Buffer.from(sha256Of(table))));

  /** What the input has told the device, and what may come of it. */
  class Session {
    /** Offers that a device in a proven session may take up, by digest; each with its permit. */
    readonly offered: { digest: string; permit: Uint8Array }[];
    readonly deployments = new Map<string, { digest: string; parts: Parts | undefined }>();
    /** Newest offer, for chunk messages that are to fit. */
    newest = { digest: "", attempt: 1 };
    lastNumber = 0;
    /** Ids of the commands that were answered with 0, and what they brought. */
    readonly accepted = new Map<string, { kind: number; address: Address | undefined }>();
    /** Where the device connected to since this was looked at. */
    readonly connected: Address[] = [];
    /** Whether the device may have lost the session without this server's doing. */
    isShaken = false;

    constructor(given: Session | undefined) {
      this.offered = [...(given?.offered ?? [])];
      for (const [name, content] of given?.deployments ?? []) this.deployments.set(name, content);
      if (given) this.newest = given.newest;
    }

    /** Why an image must not be written or made a candidate. */
    refuses({ digest, releaseSequence }: Pick<Admitted, "digest" | "releaseSequence">, before: BootRecord | undefined): string | undefined {
      const offers = this.offered.filter((offered) => offered.digest === digest);
      if (offers.length === 0) return "it was not offered in a proven session";
      if (releaseSequence >= RUNNING_SEQUENCE) return undefined;
      if (before?.slotState(1) === SlotState.Confirmed && hex(before.slotDigest(1)) === digest) return undefined;
      return offers.some(({ permit }) => permitHolds(permit, Buffer.from(digest, "hex"), [releaseKey], verifier)) ? undefined : "it is older than the running one, and no permit holds";
    }

    feed({ kind, put, bytes }: Item): void {
      const said = server.said.length;
      const expected = this.#send(kind % Kind.Count, put, bytes);
      // A command that the agent may answer is answered by then, and may have been carried out.
      const end = this.#passTime(LATENCY_MS);
      this.#answers(server.said.slice(said).filter(({ leaf }) => leaf === "answer").map(({ message }) => message), expected);
      if (end) throw end;
      if (kind % Kind.Count === Kind.Time) {
        const before = server.said.length;
        const end = this.#passTime(Math.min(bytes.length >= 4 ? Buffer.from(bytes).readUInt32LE(0) : bytes.length, TIME_MAX_MS));
        if (server.said.slice(before).some(({ leaf }) => leaf === "answer")) throw new Violation("an answer to no command");
        if (end) throw end;
      }
      this.#checkSettings();
    }

    /** How the run ended meanwhile, if it did. */
    #passTime(ms: number): Left | undefined {
      try {
        device.settle();
        device.pass(ms);
        return undefined;
      } catch (error) {
        if (error instanceof Left) return error;
        throw error;
      } finally {
        watch.check();
      }
    }

    /** Commands that this may be to the device: what each must be answered with; [] for none. */
    #send(kind: number, put: number, bytes: Uint8Array): Command[] {
      switch (kind) {
        case Kind.Raw: return this.#raw(leaves[put & 3]!, bytes);
        case Kind.Offer: this.#offer(put, bytes); return [];
        case Kind.Command: return this.#command(put, bytes);
        case Kind.Chunk: this.#chunk(put, bytes); return [];
        case Kind.Serve: this.#serve(bytes[0] ?? 8, bytes[1] ?? 255); return [];
        case Kind.Prove:
          // A new session; what else came on `challenge` may make the device begin another.
          if (server.state.waitsFor === "nonce") this.isShaken = false;
          if (server.state.waitsFor === "mac" && (put & 1) === 0) this.lastNumber = 0;
          server.prove((put & 1) === 0);
          return [];
        case Kind.Lost:
          server.lose();
          return [];
        default: return [];
      }
    }

    #raw(leaf: (typeof leaves)[number], bytes: Uint8Array): Command[] {
      const payload = Buffer.from(Buffer.from(bytes).toString("latin1").replaceAll("$S", server.state.session), "latin1");
      server.publish(leaf, payload);
      if (leaf === "challenge") this.isShaken = true;
      if (leaf === "offer") {
        // Whatever in it may be an image's header; one that is taken is looked at by what it holds.
        for (const header of stringsIn(payload)) this.#mayBeTaken(header, new Uint8Array(0));
      }
      // It may hold more than one, and which member counts is the JSON reader's business (target `json`): none is certain.
      if (leaf === "command") return stringsIn(payload).filter((taken) => taken.length <= COMMAND_BYTES_MAX && hasCommandForm(taken)).map((taken) => ({ ...this.#read(taken), isCertain: false }));
      return [];
    }

    #mayBeTaken(header: Uint8Array, permit: Uint8Array): void {
      if (server.state.isProven) this.offered.push({ digest: hex(sha256Of(header)), permit });
    }

    #offer(put: number, given: Uint8Array): void {
      if (given.length < OFFER_FIXED_BYTES) return;
      const bytes = Buffer.from(given);
      const lengths = [bytes.readUInt16LE(11), bytes.readUInt16LE(13), bytes.readUInt16LE(15)];
      let at = OFFER_FIXED_BYTES;
      const [header, signatures, permit] = lengths.map((length) => bytes.subarray(at, (at += length))) as [Buffer, Buffer, Buffer];
      if (put & OFFER_SIGN && signatures.length >= 84) {
        signatures.set(releaseKey.id, 12);
        signatures.set(releaseKey.sign("image", header), 20);
      }
      const digest = sha256Of(header);
      if (put & OFFER_PERMIT_DIGEST && permit.length >= 40) permit.set(digest, 8);
      if (put & OFFER_PERMIT_SIGN && permit.length >= 156) {
        permit.set(releaseKey.id, 84);
        permit.set(releaseKey.sign("permit", permit.subarray(0, 72)), 92);
      }
      const deployment = `d${bytes[0]}`;
      const attempt = bytes.readUInt32LE(1);
      const parts = contentOf(header);
      const sizeBytes = header.length + signatures.length + (parts ? parts.table.length + parts.payload.length : 0) + bytes.readInt16LE(5);
      const isOurs = (put & OFFER_OTHER_SESSION) === 0;
      if (isOurs) {
        this.#mayBeTaken(header, permit);
        this.deployments.set(`${deployment} ${attempt}`, { digest: hex(digest), parts });
        this.newest = { digest: hex(digest), attempt };
      }
      server.send("offer", {
        session: isOurs ? server.state.session : base64url(new Uint8Array(16)), pollMs: 3000, deployment, attempt, sizeBytes: Math.max(0, sizeBytes), deadlineMs: bytes.readUInt32LE(7),
        header: base64url(header), signatures: base64url(signatures), ...(permit.length > 0 && { permit: base64url(permit) }),
      });
    }

    #command(put: number, given: Uint8Array): Command[] {
      const bytes = new Uint8Array(given);
      if (put & COMMAND_DEVICE && bytes.length >= 40) bytes.set(deviceHash, 8);
      if (put & COMMAND_NONCE && bytes.length >= 56) bytes.set(Buffer.from(server.state.deviceNonce, "base64url").subarray(0, 16), 40);
      if (put & (COMMAND_SIGN | COMMAND_SIGN_BY_RELEASE) && bytes.length >= BODY_BYTES + 84) {
        const key = put & COMMAND_SIGN ? operationsKey : releaseKey;
        bytes.set(key.id, BODY_BYTES + 12);
        bytes.set(key.sign("command", bytes.subarray(0, BODY_BYTES)), BODY_BYTES + 20);
      }
      const isOurs = (put & COMMAND_OTHER_SESSION) === 0;
      const { isProven } = server.state;
      server.send("command", { session: isOurs ? server.state.session : base64url(new Uint8Array(16)), command: base64url(bytes) });
      if (!isOurs || !isProven || bytes.length > COMMAND_BYTES_MAX || !hasCommandForm(bytes)) return [];
      return [{ ...this.#read(bytes), isCertain: !this.isShaken }];
    }

    /** In the order of docs/protocol.md, "Commands"; whether the device is busy is not known here. */
    #read(bytes: Uint8Array): Omit<Command, "isCertain"> {
      const body = bytes.subarray(0, BODY_BYTES);
      const block = bytes.subarray(BODY_BYTES);
      const number = Buffer.from(body).readUInt32LE(72);
      const read = { id: hex(body.subarray(56, 72)), number, kind: Buffer.from(body).readUInt16LE(76), address: addressOf(Buffer.from(body.subarray(78, BODY_BYTES))), isSigned: false };
      const binding = bindingOf(body, deviceHash, Buffer.from(server.state.deviceNonce, "base64url"), this.lastNumber);
      if (binding !== ErrorCode.None) return { ...read, codes: [binding] };
      if (parseSignatureBlock(block, 0, block.length) !== block.length) return { ...read, codes: [ErrorCode.CommandMalformed] };
      if (!isSigned(verifier, "command", [operationsKey], body, block)) {
        return { ...read, codes: [ErrorCode.SignatureUnknownKey, ErrorCode.SignatureNotCanonical, ErrorCode.SignatureSmallOrder, ErrorCode.SignatureMismatch] };
      }
      const code = argumentsOf(body);
      return { ...read, isSigned: true, codes: code === ErrorCode.None ? [code, ErrorCode.DeviceBusy] : [code] };
    }

    #answers(answers: Record<string, unknown>[], commands: Command[]): void {
      if (answers.length > 1) throw new Violation("a command is answered twice");
      const [answer] = answers;
      if (!answer) {
        const silent = commands.find(({ isCertain }) => isCertain);
        if (silent && server.state.isProven) throw new Violation("a command is not answered");
        // Whether it was read is open; if it was, its number is taken.
        return;
      }
      const command = commands.find(({ id, codes }) => id === answer["command"] && codes.includes(answer["code"] as ErrorCode));
      if (!command) throw new Violation(`an answer with code ${answer["code"] as number}, which must be ${commands.map(({ codes }) => codes.join(" or ")).join(", ") || "none"}`);
      if (command.isSigned) this.lastNumber = command.number;
      if (answer["code"] === ErrorCode.None) this.accepted.set(command.id, { kind: command.kind, address: command.kind === 2 ? command.address : undefined });
    }

    isAccepted(address: Address | undefined): boolean {
      return [...this.accepted.values()].some((accepted) => accepted.address !== undefined && accepted.address.host === address?.host && accepted.address.port === address?.port);
    }

    #checkSettings(): void {
      const { server: own } = fuzzedIdentity;
      for (const address of this.connected.splice(0)) if ((address.host !== own.host || address.port !== own.port) && !this.isAccepted(address)) throw new Violation("the device connects to a server that no command named");
      const [settings] = countingSettings(host.zone("settings"), layout.sectorBytes, watch.record?.flags ?? 0);
      if (!settings) throw new Violation("no settings are left");
      if (Buffer.compare(settings.secret, deviceSecret) !== 0) throw new Violation("the device has another secret");
      for (const address of [settings.server, settings.candidate]) if (address && !this.isAccepted(address)) throw new Violation("the device keeps a server that no command named");
      if (settings.commandId && !this.accepted.has(hex(settings.commandId))) throw new Violation("the device keeps a command that was not accepted");
    }

    checkReset(reason: number): void {
      watch.check();
      if (reason === BootReason.Requested) {
        if (![...this.accepted.values()].some(({ kind }) => kind === 1)) throw new Violation("a reset that no command asked for");
      } else if (reason === BootReason.Update) {
        const { record } = watch;
        if (record?.activeSlot !== 1 || record.slotState(1) !== SlotState.Candidate) throw new Violation("a reset into a candidate that is none");
      } else {
        throw new Violation(`a reset for reason ${reason}`);
      }
    }

    #chunk(put: number, given: Uint8Array): void {
      const bytes = Buffer.from(given);
      const wanted = server.state.fetches.at(-1);
      if (put & CHUNK_IMAGE && bytes.length >= 12) bytes.set(chunkMessage({ attempt: this.newest.attempt, part: bytes[8]!, digest: this.newest.digest, index: 0 }, new Uint8Array(0)).subarray(0, 12));
      if (put & CHUNK_WANTED && bytes.length >= 16 && wanted) {
        bytes[8] = wanted.part;
        bytes.writeUInt32LE(wanted.first, 12);
      }
      server.publish("chunk", bytes);
    }

    /** As a true server would, but for one bit. */
    #serve(count: number, changed: number): void {
      let left = count;
      while (left > 0 && server.state.fetches.length > 0) {
        const { deployment, attempt, part, first, count: wantedCount } = server.state.fetches.shift()!;
        const wanted = this.deployments.get(`${deployment} ${attempt}`);
        if (!wanted) throw new Violation("the device fetches what was not offered");
        if (!wanted.parts) continue;
        const [content, size] = part === 0 ? [wanted.parts.table, PIECE_BYTES] : [wanted.parts.payload, wanted.parts.chunkBytes];
        const end = Math.min(first + wantedCount, Math.ceil(content.length / size));
        let index = first;
        for (; index < end && left > 0; index++, left--) {
          const message = chunkMessage({ attempt, part, digest: wanted.digest, index }, content.subarray(index * size, (index + 1) * size));
          if (count - left === changed) message[message.length - 1]! ^= 1;
          server.publish("chunk", message);
        }
        if (index < end) server.state.fetches.unshift({ deployment, attempt, part, first: index, count: end - index });
        device.settle();
        device.pass(LATENCY_MS);
        watch.check();
      }
    }
  }

  const within = (session: Session, what: () => void): boolean => {
    server.onConnect = (name, port) => void session.connected.push({ host: name, port });
    try {
      what();
      return false;
    } catch (error) {
      if (!(error instanceof Left)) throw error;
      if (error.how !== "reset") throw new Violation("the agent starts an image");
      session.checkReset(error.value);
      return true;
    }
  };

  // ---- where an input may begin ------------------------------------------------------------------------------------------

  const starts: { start: Start; session: Session }[] = [];
  const slotB = { slots: [1] };
  const begin = (session: Session): void => watch.begin(() => ({ ...slotB, refuses: (image, before) => session.refuses(image, before) }));
  const keep = (name: string, session = new Session(undefined)): void => void starts.push({ start: device.save(name), session });
  const feedAll = (session: Session, ...items: Uint8Array[]): boolean => within(session, () => { for (const each of itemsIn(joined(...items), 0)) session.feed(each); });
  const updating = new Session(undefined);
  begin(updating);
  await device.powerOn(true);
  keep("hello");
  device.prove();
  keep("proven, an older image in the other slot");
  await device.powerOn(false);
  begin(updating);
  device.prove();
  keep("proven, nothing in the other slot");
  feedAll(updating, offer(large));
  keep("the table is wanted", new Session(updating));
  feedAll(updating, serve(1));
  keep("the first chunks are wanted", new Session(updating));
  feedAll(updating, serve(8), serve(4), serve(4));
  keep("the last chunk is wanted", new Session(updating));

  const run = (input: Uint8Array): boolean => {
    const { start, session: given } = starts[(input[0] ?? 0) % starts.length]!;
    device.restore(start);
    const session = new Session(given);
    begin(session);
    return within(session, () => { for (const each of itemsIn(input, ITEMS_AT)) session.feed(each); });
  };

  const anyPermit = permitBytes(sha256Of(old.header));
  const ownPermit = permitBytes(sha256Of(old.header), deviceHash);
  const withdrawn = raw("offer", '{"session":"$S","pollMs":500}');
  const reboot = command({ number: 1, kind: 1 });
  const move = command({ number: 2, kind: 2, host: "new.example", port: 8883, id: "c2".repeat(16) });
  const firstChunk = item(Kind.Chunk, CHUNK_IMAGE | CHUNK_WANTED, joined(new Uint8Array(16), large.payload.subarray(0, 1024)));
  const installs = [joined([1], offer(good), serve(1), serve(8), time(700)), joined([2], offer(large), serve(1), serve(8), serve(8), serve(8), time(700)), joined([5], serve(8), time(700)), joined([1], offer(older), time(700)), joined([1], offer(old, { permit: anyPermit }), serve(1), serve(8), time(700))];
  const seeds = [
    ...installs, joined([3], serve(1), serve(255), serve(255), serve(255), time(700)), joined([4], firstChunk, serve(255), serve(3, 1), serve(255), time(3000)), joined([0], prove(), prove(), offer(good), serve(1), serve(8), time(700)),
    joined([0], offer(good), prove(1), prove(1), time(16_000), prove(), prove(1), command({ number: 1, kind: 1 }), time(1000)), joined([1], reboot, time(700)), joined([1], move, time(1000), prove(), prove(), time(1000), reboot, time(1000)), joined([2], move, time(62_000), prove(), prove(), reboot),
    joined([1], offer(old), offer(old, { permit: ownPermit, attempt: 2 }), withdrawn, offer(good, { deployment: 2, deadlineMs: 1000 }), time(2000)), joined([4], lost(), time(2000), prove(), prove(), offer(large, { attempt: 2 }), serve(8), serve(9, 0), serve(9, 0), serve(9, 0)),
    joined([2], offer(damaged), serve(1), serve(8), serve(8), serve(8)), joined([1], raw("challenge", '{"session":"$S","accepted":false,"error":"session-unknown"}'), time(100), prove(), prove()), joined([4], offer(good, { deployment: 3 }), serve(1), move, serve(3), reboot, time(700)),
    joined([1], command({ number: 1, kind: 1 }, COMMAND_DEVICE | COMMAND_NONCE | COMMAND_SIGN_BY_RELEASE), command({ number: 1, kind: 1 }, COMMAND_NONCE | COMMAND_SIGN | COMMAND_OTHER_SESSION), command({ number: 3, kind: 7 }), command({ number: 3, kind: 1 }), command({ number: 4, kind: 1, port: 1 }), time(10)),
    ...pool.slice(4).map((parts) => joined([1], offer(parts), serve(1), serve(8))),
  ];
  for (const seed of installs) if (!run(seed) || watch.record?.slotState(1) !== SlotState.Candidate) throw new Error(`a good update of this target is not installed: ${host.lines}`);
  for (const seed of [joined([1], reboot, time(700)), joined([2], move, time(1000), prove(), prove(), reboot, time(1000))]) if (!run(seed)) throw new Error("a good command of this target is not carried out");

  return {
    name: "agent-messages",
    instance: device.instance,
    inputBytesMax: 16_384,
    share: 0.003,
    seeds,
    dictionary: [...text('"session":"$S"', '"accepted":true', '"deployment":"d1"', '"attempt":1', '"pollMs":', "FSCH", "FSCM", "FSIM", "FSSG"), serve(8), time(600), prove(), withdrawn, releaseKey.id, operationsKey.id],
    mutate(draft, random) {
      switch (random.below(8)) {
        case 0:
          draft.bytes[0] = random.below(starts.length);
          draft.length = Math.max(1, draft.length);
          return;
        case 1: case 2:
          return shuffleItems(draft, ITEMS_AT, random);
        case 3: case 4:
          return insert(draft, random.pick([ITEMS_AT, ...itemsOf(draft, ITEMS_AT).map(({ end }) => end)]), drawnItem(random));
        default:
          return changeItem(draft, random);
      }
    },
    run: (input) => void run(input),
  };

  function drawnItem(random: SeededRandom): Uint8Array {
    switch (random.below(9)) {
      case 0: case 1: {
        const permit = random.below(3) === 0 ? { permit: random.pick([anyPermit, ownPermit, permitBytes(sha256Of(old.header), bytesOf("another")), permitBytes(bytesOf("another"))]) } : {};
        return offer(random.pick(pool), { put: random.pick([0, 0, OFFER_SIGN, OFFER_PERMIT_DIGEST, OFFER_OTHER_SESSION]), deployment: random.below(3), attempt: random.below(3), more: random.pick([0, 0, 0, 1, -1]), deadlineMs: random.pick([0, 1000, 600_000, 0xffffffff]), ...permit });
      }
      case 2: case 3: return serve(random.pick([1, 8, 255]), random.pick([255, 255, 0, random.below(8)]));
      case 4: return time(random.pick([1, 100, 499, 501, 2001, 16_000, 61_000]));
      case 5: return command({ number: random.pick([0, 1, 2, 3, 0xffffffff]), kind: random.pick([1, 2, 2, 3]), host: random.pick(["", "a", "new.example", "x".repeat(48)]), port: random.pick([0, 1, 8883]), id: hex(Uint8Array.of(random.next())).repeat(16) }, random.pick([7, 7, 7, 3, 5, 6, 11, 15, 23]));
      case 6: return item(Kind.Chunk, random.below(4), joined(new Uint8Array(16), random.pick(pool).payload.subarray(0, random.pick([0, 1, 256, 1023, 1024]))));
      case 7: return random.below(3) === 0 ? lost() : prove(random.below(4) === 0 ? 1 : 0);
      default: return random.pick([withdrawn, raw("challenge", '{"session":"$S","accepted":false,"error":"session-unknown"}'), raw("challenge", '{"session":"$S","nonce":"AAAAAAAAAAAAAAAAAAAAAA"}'), raw("offer", '{"session":"$S","deployment":"d1","attempt":1}'), raw("command", '{"session":"$S","command":"RlNDTQ"}')]);
    }
  }

  function changeItem(draft: Draft, random: SeededRandom): void {
    const items = itemsOf(draft, ITEMS_AT);
    if (items.length === 0) return;
    const chosen = random.pick(items);
    const { bytes, at } = chosen;
    switch (chosen.kind % Kind.Count) {
      case Kind.Offer: {
        if (bytes.length < OFFER_FIXED_BYTES) return;
        const headerBytes = Math.min(bytes[11]! | (bytes[12]! << 8), bytes.length - OFFER_FIXED_BYTES);
        if (random.below(3) === 0) draft.bytes[at + 1] = random.below(16);
        else if (random.below(3) === 0) bytes[random.below(OFFER_FIXED_BYTES)]! ^= 1 << random.below(8);
        else if (random.below(2) === 0 && headerBytes >= 16) write(bytes, OFFER_FIXED_BYTES + 8 + 4 * random.below((headerBytes - 8) >> 2), 4, random.pick([0, 1, 2, 3, 4, 6, 256, 600, 4096, 65536, 0xffffffff]), true);
        else bytes[OFFER_FIXED_BYTES + random.below(Math.max(1, bytes.length - OFFER_FIXED_BYTES))]! ^= 1 << random.below(8);
        return;
      }
      case Kind.Command:
        if (random.below(2) === 0) draft.bytes[at + 1] = random.below(32);
        else if (bytes.length >= BODY_BYTES) write(bytes, random.pick([8, 40, 56, 72, 76, 78, 80, 84, 136, 138, 140, 144, 152]), random.pick([1, 2]), random.pick([0, 1, 2, 3, 84, 255]), true);
        return;
      case Kind.Chunk:
        if (random.below(2) === 0) draft.bytes[at + 1] = random.below(4);
        else if (bytes.length > 16) bytes[random.below(3) === 0 ? random.below(16) : random.below(bytes.length)]! ^= 1 << random.below(8);
        return;
      case Kind.Serve:
        if (bytes.length >= 2) bytes[random.below(2)] = random.pick([0, 1, 2, 8, 255]);
        return;
      case Kind.Time:
        return replaceItem(draft, chosen, time(random.pick([0, 1, 499, 501, 1999, 2001, 15_001, 59_999, 60_001])));
      case Kind.Raw:
        if (bytes.length > 0) bytes[random.below(bytes.length)] = random.pick([0x22, 0x7b, 0x7d, 0x24, 0x5c, 0x30, random.below(256)]);
        return;
      default:
        draft.bytes[at + 1] = random.below(2);
    }
  }
};

interface Command {
  id: string;
  number: number;
  kind: number;
  address: Address | undefined;
  isSigned: boolean;
  /** One of these is the answer. */
  codes: ErrorCode[];
  /** It must be answered. */
  isCertain: boolean;
}

/** What a text may hold in base64url. */
function stringsIn(payload: Buffer): Buffer[] {
  return (payload.toString("latin1").match(/[A-Za-z0-9_-]{16,}/g) ?? []).map((word) => Buffer.from(word, "base64url"));
}
