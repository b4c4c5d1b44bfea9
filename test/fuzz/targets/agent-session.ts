// What a hostile server tells the agent, item by item, and what may come of it: a plain reading of docs/protocol.md
// beside the agent, that knows which images it may install and which commands it must answer, and how; and the app
// beside it, which takes a configuration, refuses it, or says nothing.

import {
  type BootRecord,
  ErrorCode,
  parseSignatureBlock,
  SlotState,
  type StrictVerifier,
} from "@flipside/image-format";
import { BootReason } from "@flipside/machine/abi";
import { chunkMessage } from "@flipside/protocol/chunk-message";
import { logPartMessage } from "@flipside/protocol/messages";
import { fetchEnd, piece } from "@flipside/protocol/reference-server/pieces";
import { Violation } from "../engine/target.ts";
import { type AgentDevice, deviceSecret, RUNNING_SEQUENCE } from "./agent-device.ts";
import { addressOf, argumentsOf, bindingOf, hasCommandForm } from "./command-form.ts";
import { Left } from "./device-host.ts";
import { type Admitted, layout } from "./device-images.ts";
import type { FlashWatch } from "./flash-watch.ts";
import { fuzzedIdentity } from "./formats.ts";
import type { HostileServer, Said } from "./hostile-server.ts";
import type { Item } from "./items.ts";
import { operationsKey, releaseKey, sha256Of } from "./keys.ts";
import {
  base64url,
  BODY_BYTES,
  CHUNK_IMAGE,
  CHUNK_WANTED,
  COMMAND_DEVICE,
  COMMAND_DOCUMENT,
  COMMAND_NONCE,
  COMMAND_OTHER_SESSION,
  COMMAND_REFUSED,
  COMMAND_SIGN,
  COMMAND_SIGN_BY_RELEASE,
  COMMAND_TAKEN,
  deploymentName,
  hex,
  Kind,
  leaves,
  OFFER_FIXED_BYTES,
  OFFER_OTHER_SESSION,
  OFFER_PERMIT_DIGEST,
  OFFER_PERMIT_SIGN,
  OFFER_SIGN,
  type Parts,
  SPOILT_ATTEMPT,
  SPOILT_BIT,
  SPOILT_CUT,
  SPOILT_DIGEST,
  SPOILT_EMPTY,
  SPOILT_MAGIC,
  SPOILT_PART,
  TIME_UNREADABLE,
} from "./message-items.ts";
import { deviceHash, permitHolds } from "./permit-holds.ts";
import { type Address, countingSettings, type SettingsContent } from "./settings-record.ts";
import { isSigned } from "./signed.ts";

const COMMAND_BYTES_MAX = 720;
/** Body and a signature block of one entry. */
const SIGNED_BYTES = BODY_BYTES + 84;
const DOCUMENT_BYTES_MAX = 1024;
const REFUSAL = { code: -7, text: "not this one" };
const TIME_MAX_MS = 70_000;
/** From a message to the next: what the agent puts off for want of room comes 50 ms later. */
const LATENCY_MS = 60;
const FLOOR = 1;

export interface Surroundings {
  device: AgentDevice;
  watch: FlashWatch;
  verifier: StrictVerifier;
  /** What a true server could serve. */
  images: Parts[];
}

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

/**
 * Whether a document is a JSON object; undefined where JSON.parse and the device's reader may differ (json/reader.ts:
 * nesting, halves of surrogate pairs, a byte order mark).
 */
function isObject(document: Buffer): boolean | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(document));
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
    const text = document.toString("latin1");
    return text.includes("\\") || (text.match(/[[{]/g)?.length ?? 0) > 31 ? undefined : true;
  } catch {
    return false;
  }
}

const timeOf = (bytes: Uint8Array): number =>
  Math.min(bytes.length >= 4 ? Buffer.from(bytes).readUInt32LE(0) : bytes.length, TIME_MAX_MS);

/** Of a piece: what a device must not take, must not even count, or must. */
function spoilt(message: Uint8Array, how: number): Uint8Array {
  const places: Record<number, number> = {
    [SPOILT_MAGIC]: 0,
    [SPOILT_ATTEMPT]: 4,
    [SPOILT_PART]: 8,
    [SPOILT_DIGEST]: 11,
  };
  if (how === SPOILT_CUT) return message.subarray(0, 15);
  if (how === SPOILT_EMPTY) return message.subarray(0, 16);
  message[places[how] ?? message.length - 1]! ^= 1;
  return message;
}

/** What the input has told the device, and what may come of it. */
export class Session {
  /** Offers that a device in a proven session may take up, by digest; each with its permit. */
  readonly offered: { digest: string; permit: Uint8Array }[];
  readonly deployments = new Map<string, { digest: string; parts: Parts | undefined }>();
  /** Newest offer, for chunk messages that are to fit. */
  newest = { digest: "", attempt: 1 };
  lastNumber = 0;
  /** Commands that were answered with 0, and what they brought. Two may have one id. */
  readonly accepted: { id: string; kind: number; address: Address | undefined }[] = [];
  /** Configurations that the app has taken, oldest first. */
  readonly taken: NonNullable<SettingsContent["configuration"]>[] = [];
  /** What the app says of the next that it is handed. */
  #appSays: "taken" | "refused" | "nothing" = "nothing";
  /** Where the device connected to since this was looked at. */
  readonly connected: Address[] = [];
  /** Whether the device may have lost the session without this server's doing. */
  isShaken = false;

  constructor(
    readonly around: Surroundings,
    given?: Session,
  ) {
    this.offered = [...(given?.offered ?? [])];
    for (const [name, content] of given?.deployments ?? []) this.deployments.set(name, content);
    if (given) this.newest = given.newest;
  }

  get #server(): HostileServer {
    return this.around.device.server;
  }

  /** The image whose chunk table a header names. */
  #contentOf(header: Uint8Array): Parts | undefined {
    return this.around.images.find(({ table }) => Buffer.from(header).includes(Buffer.from(sha256Of(table))));
  }

  /** Why an image must not be written or made a candidate. */
  refuses(
    { digest, releaseSequence }: Pick<Admitted, "digest" | "releaseSequence">,
    before: BootRecord | undefined,
  ): string | undefined {
    const offers = this.offered.filter((offered) => offered.digest === digest);
    if (offers.length === 0) return "it was not offered in a proven session";
    if (releaseSequence >= RUNNING_SEQUENCE) return undefined;
    if (before?.slotState(1) === SlotState.Confirmed && hex(before.slotDigest(1)) === digest) return undefined;
    const isPermitted = offers.some(({ permit }) =>
      permitHolds(permit, Buffer.from(digest, "hex"), [releaseKey], this.around.verifier),
    );
    return isPermitted ? undefined : "it is older than the running one, and no permit holds";
  }

  feed({ kind, put, bytes }: Item): void {
    const said = this.#server.said.length;
    const expected = this.#send(kind % Kind.Count, put, bytes);
    // A command that the agent may answer is answered by then, and may have been carried out.
    const end = this.#passTime(LATENCY_MS);
    this.#answers(
      this.#server.said
        .slice(said)
        .filter(({ leaf }) => leaf === "answer")
        .map(({ message }) => message),
      expected,
    );
    if (end) throw end;
    if (kind % Kind.Count === Kind.Time && (put & TIME_UNREADABLE) === 0) {
      const before = this.#server.said.length;
      const end = this.#passTime(timeOf(bytes));
      if (this.#server.said.slice(before).some(({ leaf }) => leaf === "answer"))
        throw new Violation("an answer to no command");
      if (end) throw end;
    }
    this.#checkSettings();
    this.#checkSaid(this.#server.said.slice(said));
    // No image that may be the other slot's here is a fallback at or above the running one's counter.
    if (this.around.watch.floor !== FLOOR) throw new Violation("the floor is another, and nothing may have raised it");
  }

  /** How the run ended meanwhile, if it did. */
  #passTime(ms: number): Left | undefined {
    try {
      this.around.device.settle();
      this.#judge();
      this.around.device.pass(ms);
      return undefined;
    } catch (error) {
      if (error instanceof Left) return error;
      throw error;
    } finally {
      this.around.watch.check();
    }
  }

  /** What the app does in its tick. */
  #judge(): void {
    const { appConfiguration } = this.around.device.host;
    const { waiting } = appConfiguration;
    if (!waiting || this.#appSays === "nothing") return;
    const isTaken = this.#appSays === "taken";
    this.#appSays = "nothing";
    if (isTaken) this.taken.push({ number: waiting.number, document: waiting.document });
    appConfiguration.judge(
      waiting.number,
      isTaken ? 0 : REFUSAL.code,
      isTaken ? new Uint8Array(0) : Buffer.from(REFUSAL.text),
    );
  }

  /** Commands that this may be to the device: what each must be answered with; [] for none. */
  #send(kind: number, put: number, bytes: Uint8Array): Command[] {
    switch (kind) {
      case Kind.Raw:
        return this.#raw(leaves[put & 3]!, bytes);
      case Kind.Offer:
        this.#offer(put, bytes);
        return [];
      case Kind.Command:
        return this.#command(put, bytes);
      case Kind.Chunk:
        this.#chunk(put, bytes);
        return [];
      case Kind.Serve:
        this.#serve(bytes[0] ?? 8, bytes[1] ?? 255, bytes[2] ?? SPOILT_BIT);
        return [];
      case Kind.Time:
        if (put & TIME_UNREADABLE) this.around.device.loseSight(timeOf(bytes));
        return [];
      case Kind.Prove:
        // A new session; what else came on `challenge` may make the device begin another.
        if (this.#server.waitsFor === "nonce") this.isShaken = false;
        if (this.#server.waitsFor === "mac" && (put & 1) === 0) this.lastNumber = 0;
        this.#server.prove((put & 1) === 0);
        return [];
      case Kind.Lost:
        this.#server.lose();
        return [];
      default:
        return [];
    }
  }

  #raw(leaf: (typeof leaves)[number], bytes: Uint8Array): Command[] {
    const payload = Buffer.from(
      Buffer.from(bytes).toString("latin1").replaceAll("$S", this.#server.session.id),
      "latin1",
    );
    this.#server.publish(leaf, payload);
    if (leaf === "challenge") this.isShaken = true;
    if (leaf === "offer") {
      // Whatever in it may be an image's header; one that is taken is looked at by what it holds.
      for (const header of stringsIn(payload)) this.#mayBeTaken(header, new Uint8Array(0));
    }
    // It may hold more than one, and which member counts is the JSON reader's business (target `json`): none is
    // certain.
    if (leaf !== "command") return [];
    return stringsIn(payload)
      .filter((taken) => taken.length <= COMMAND_BYTES_MAX && hasCommandForm(taken))
      .flatMap((taken) => [this.#read(taken, undefined), this.#read(taken, Buffer.alloc(0))])
      .map((read) => ({ ...read, isCertain: false }));
  }

  #mayBeTaken(header: Uint8Array, permit: Uint8Array): void {
    if (this.#server.isProven) this.offered.push({ digest: hex(sha256Of(header)), permit });
  }

  #offer(put: number, given: Uint8Array): void {
    if (given.length < OFFER_FIXED_BYTES) return;
    const bytes = Buffer.from(given);
    const lengths = [bytes.readUInt16LE(11), bytes.readUInt16LE(13), bytes.readUInt16LE(15)];
    let at = OFFER_FIXED_BYTES;
    const [header, signatures, permit] = lengths.map((length) => bytes.subarray(at, (at += length))) as [
      Buffer,
      Buffer,
      Buffer,
    ];
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
    const deployment = deploymentName(bytes[0]!);
    const attempt = bytes.readUInt32LE(1);
    const parts = this.#contentOf(header);
    const sizeBytes =
      header.length +
      signatures.length +
      (parts ? parts.table.length + parts.payload.length : 0) +
      bytes.readInt16LE(5);
    const isOurs = (put & OFFER_OTHER_SESSION) === 0;
    if (isOurs) {
      this.#mayBeTaken(header, permit);
      this.deployments.set(`${deployment} ${attempt}`, { digest: hex(digest), parts });
      this.newest = { digest: hex(digest), attempt };
    }
    this.#server.send("offer", {
      session: isOurs ? this.#server.session.id : base64url(new Uint8Array(16)),
      pollMs: 3000,
      deployment,
      attempt,
      sizeBytes: Math.max(0, sizeBytes),
      deadlineMs: bytes.readUInt32LE(7),
      header: base64url(header),
      signatures: base64url(signatures),
      ...(permit.length > 0 && { permit: base64url(permit) }),
    });
  }

  #command(put: number, given: Uint8Array): Command[] {
    const hasDocument = (put & COMMAND_DOCUMENT) !== 0 && given.length >= SIGNED_BYTES;
    const bytes = new Uint8Array(hasDocument ? given.subarray(0, SIGNED_BYTES) : given);
    const document = hasDocument ? Buffer.from(given.subarray(SIGNED_BYTES)) : undefined;
    if (document && (put & COMMAND_SIGN_BY_RELEASE) === 0) {
      bytes.set([document.length & 255, (document.length >> 8) & 255], 78);
      bytes.set(sha256Of(document), 84);
    }
    this.#appSays = put & COMMAND_TAKEN ? "taken" : put & COMMAND_REFUSED ? "refused" : "nothing";
    if (put & COMMAND_DEVICE && bytes.length >= 40) bytes.set(deviceHash, 8);
    if (put & COMMAND_NONCE && bytes.length >= 56)
      bytes.set(Buffer.from(this.#server.session.deviceNonce, "base64url").subarray(0, 16), 40);
    if (put & (COMMAND_SIGN | COMMAND_SIGN_BY_RELEASE) && bytes.length >= BODY_BYTES + 84) {
      const key = put & COMMAND_SIGN ? operationsKey : releaseKey;
      bytes.set(key.id, BODY_BYTES + 12);
      bytes.set(key.sign("command", bytes.subarray(0, BODY_BYTES)), BODY_BYTES + 20);
    }
    const isOurs = (put & COMMAND_OTHER_SESSION) === 0;
    const { isProven } = this.#server;
    this.#server.send("command", {
      session: isOurs ? this.#server.session.id : base64url(new Uint8Array(16)),
      command: base64url(bytes),
      ...(document && { document: base64url(document) }),
    });
    if (!isOurs || !isProven || bytes.length > COMMAND_BYTES_MAX || !hasCommandForm(bytes)) return [];
    return [{ ...this.#read(bytes, document), isCertain: !this.isShaken }];
  }

  /** In the order of docs/protocol.md, "Commands"; whether the device is busy is not known here. */
  #read(bytes: Uint8Array, document: Buffer | undefined): Omit<Command, "isCertain"> {
    const body = bytes.subarray(0, BODY_BYTES);
    const block = bytes.subarray(BODY_BYTES);
    const number = Buffer.from(body).readUInt32LE(72);
    const address = addressOf(Buffer.from(body.subarray(78, BODY_BYTES)));
    const read = {
      id: hex(body.subarray(56, 72)),
      number,
      kind: Buffer.from(body).readUInt16LE(76),
      address,
      isSigned: false,
    };
    const binding = bindingOf(
      body,
      deviceHash,
      Buffer.from(this.#server.session.deviceNonce, "base64url"),
      this.lastNumber,
    );
    if (binding !== ErrorCode.None) return { ...read, codes: [binding] };
    if (parseSignatureBlock(block, 0, block.length) !== block.length)
      return { ...read, codes: [ErrorCode.CommandMalformed] };
    if (!isSigned(this.around.verifier, "command", [operationsKey], body, block)) {
      return {
        ...read,
        codes: [
          ErrorCode.SignatureUnknownKey,
          ErrorCode.SignatureNotCanonical,
          ErrorCode.SignatureSmallOrder,
          ErrorCode.SignatureMismatch,
        ],
      };
    }
    const code = argumentsOf(body);
    if (code !== ErrorCode.None) return { ...read, isSigned: true, codes: [code] };
    return { ...read, isSigned: true, codes: this.#outcomes(read.kind, Buffer.from(body), document) };
  }

  /** What may come of a good command; whether the device is busy is not known here. */
  #outcomes(kind: number, body: Buffer, document: Buffer | undefined): ErrorCode[] {
    const { watch, device } = this.around;
    const { host } = device;
    // These may come at any time.
    if (kind === 3 || kind === 6) return [ErrorCode.None];
    if (kind === 4) {
      if (watch.record?.slotState(1) !== SlotState.Confirmed)
        return [ErrorCode.RollBackImpossible, ErrorCode.DeviceBusy];
      const isSeen = host.unreadable === undefined || host.unreadable.untilUs <= host.nowUs;
      return [ErrorCode.None, ErrorCode.DeviceBusy, ...(isSeen ? [] : [ErrorCode.RollBackImpossible])];
    }
    if (kind !== 5) return [ErrorCode.None, ErrorCode.DeviceBusy];
    const isThere =
      document !== undefined &&
      document.length <= DOCUMENT_BYTES_MAX &&
      document.length === body.readUInt16LE(78) &&
      Buffer.compare(sha256Of(document), body.subarray(84, 116)) === 0;
    const form = isThere ? isObject(document) : false;
    const isOlder = body.readUInt32LE(80) < (this.#settings()?.configuration?.number ?? 0);
    return [
      ErrorCode.DeviceBusy,
      ...(form === true ? [] : [ErrorCode.CommandMalformed]),
      ...(form === false ? [] : [isOlder ? ErrorCode.ConfigurationOlder : ErrorCode.None]),
    ];
  }

  #settings(): SettingsContent | undefined {
    return countingSettings(
      this.around.device.host.zone("settings"),
      layout.sectorBytes,
      this.around.watch.record?.flags ?? 0,
    )[0];
  }

  #answers(answers: Record<string, unknown>[], commands: Command[]): void {
    if (answers.length > 1) throw new Violation("a command is answered twice");
    const [answer] = answers;
    if (!answer) {
      const silent = commands.find(({ isCertain }) => isCertain);
      if (silent && this.#server.isProven) throw new Violation("a command is not answered");
      // Whether it was read is open; if it was, its number is taken.
      return;
    }
    const command = commands.find(
      ({ id, codes }) => id === answer["command"] && codes.includes(answer["code"] as ErrorCode),
    );
    if (!command)
      throw new Violation(
        `an answer with code ${answer["code"] as number}, which must be ${commands.map(({ codes }) => codes.join(" or ")).join(", ") || "none"}`,
      );
    if (command.isSigned) this.lastNumber = command.number;
    if (answer["code"] === ErrorCode.None)
      this.accepted.push({
        id: command.id,
        kind: command.kind,
        address: command.kind === 2 ? command.address : undefined,
      });
  }

  isAccepted(address: Address | undefined): boolean {
    return this.accepted.some(
      (accepted) =>
        accepted.address !== undefined &&
        accepted.address.host === address?.host &&
        accepted.address.port === address?.port,
    );
  }

  #checkSettings(): void {
    const own = fuzzedIdentity.server;
    for (const address of this.connected.splice(0)) {
      const isOwn = address.host === own.host && address.port === own.port;
      if (!isOwn && !this.isAccepted(address))
        throw new Violation("the device connects to a server that no command named");
    }
    const settings = this.#settings();
    if (!settings) throw new Violation("no settings are left");
    if (Buffer.compare(settings.secret, deviceSecret) !== 0) throw new Violation("the device has another secret");
    for (const address of [settings.server, settings.candidate])
      if (address && !this.isAccepted(address)) throw new Violation("the device keeps a server that no command named");
    const { commandId } = settings;
    if (commandId && !this.accepted.some(({ id }) => id === hex(commandId)))
      throw new Violation("the device keeps a command that was not accepted");
    if (settings.configuration && !this.#isTaken(settings.configuration))
      throw new Violation("the device keeps a configuration that its app has not taken");
  }

  #isTaken({ number, document }: NonNullable<SettingsContent["configuration"]>): boolean {
    return this.taken.some((taken) => taken.number === number && Buffer.compare(taken.document, document) === 0);
  }

  /** Of console and configuration. */
  #checkSaid(said: readonly Said[]): void {
    for (const { leaf, message } of said) {
      if (leaf === "log" && "part" in message) {
        const part = logPartMessage.safeParse(message);
        if (!part.success) throw new Violation(`a part of a log that is none: ${part.error.message}`);
        if (!this.accepted.some(({ id, kind }) => kind === 6 && id === part.data.command))
          throw new Violation("a part of a log that no command asked for");
      }
      if (leaf !== "check-in") continue;
      const { configuration, configurationRefused } = message as {
        configuration?: { number: number; digest: string };
        configurationRefused?: { code: number; appCode?: number; text?: string };
      };
      const isOf = ({ number, document }: (typeof this.taken)[number]): boolean =>
        number === configuration?.number && hex(sha256Of(document)) === configuration.digest;
      if (configuration && !this.taken.some(isOf))
        throw new Violation("a check-in says a configuration that the app has not taken");
      if (configurationRefused?.code === ErrorCode.ConfigurationRefused)
        if (configurationRefused.appCode !== REFUSAL.code || configurationRefused.text !== REFUSAL.text)
          throw new Violation("a check-in has other words than the app for why it refuses a configuration");
    }
  }

  checkReset(reason: number): void {
    this.around.watch.check();
    if (reason === BootReason.Requested) {
      if (!this.accepted.some(({ kind }) => kind === 1)) throw new Violation("a reset that no command asked for");
    } else if (reason === BootReason.Update) {
      const { record } = this.around.watch;
      if (record?.activeSlot !== 1 || record.slotState(1) !== SlotState.Candidate)
        throw new Violation("a reset into a candidate that is none");
    } else if (reason === BootReason.RollBack) {
      const { record } = this.around.watch;
      if (!this.accepted.some(({ kind }) => kind === 4)) throw new Violation("a roll-back that no command asked for");
      if (record?.activeSlot !== 1 || record.slotState(1) !== SlotState.Confirmed || record.slotReason(1) !== 0)
        throw new Violation("a roll-back to an image that is not confirmed");
      if (record.slotState(0) !== SlotState.Confirmed || record.slotReason(0) !== ErrorCode.RolledBackByCommand)
        throw new Violation("a roll-back after which the image that was left is not what it was");
    } else {
      throw new Violation(`a reset for reason ${reason}`);
    }
  }

  #chunk(put: number, given: Uint8Array): void {
    const bytes = Buffer.from(given);
    const wanted = this.#server.state.fetches.at(-1);
    if (put & CHUNK_IMAGE && bytes.length >= 12)
      bytes.set(chunkMessage({ ...this.newest, part: bytes[8]!, index: 0 }, new Uint8Array(0)).subarray(0, 12));
    if (put & CHUNK_WANTED && bytes.length >= 16 && wanted) {
      bytes[8] = wanted.part;
      bytes.writeUInt32LE(wanted.first, 12);
    }
    this.#server.publish("chunk", bytes);
  }

  /** As a true server would, but for one piece. */
  #serve(count: number, changed: number, how: number): void {
    let left = count;
    while (left > 0 && this.#server.state.fetches.length > 0) {
      const asked = this.#server.state.fetches.shift()!;
      const { deployment, attempt, part, first } = asked;
      const wanted = this.deployments.get(`${deployment} ${attempt}`);
      if (!wanted) throw new Violation("the device fetches what was not offered");
      if (!wanted.parts) continue;
      const image = { ...wanted.parts, digest: wanted.digest };
      const end = fetchEnd(image, asked);
      let index = first;
      for (; index < end && left > 0; index++, left--) {
        const message = piece(image, attempt, part, index);
        this.#server.publish("chunk", count - left === changed ? spoilt(message, how) : message);
      }
      if (index < end) this.#server.state.fetches.unshift({ ...asked, first: index, count: end - index });
      this.around.device.settle();
      this.around.device.pass(LATENCY_MS);
      this.around.watch.check();
    }
  }
}
