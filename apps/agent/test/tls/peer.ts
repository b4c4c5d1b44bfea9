// A TLS 1.3 server for tests that says what it is told to, right or wrong, one message at a time. Written from RFC 8446
// over node:crypto, so that it shares nothing with the client under test.

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from "node:crypto";

export const ContentType = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const;
// biome-ignore format: a table
export const MessageType = {
  clientHello: 1, serverHello: 2, newSessionTicket: 4, encryptedExtensions: 8, certificate: 11, certificateRequest: 13,
  certificateVerify: 15, finished: 20, keyUpdate: 24,
} as const;

const x25519Pkcs8 = Buffer.from("302e020100300506032b656e04220420", "hex");
const x25519Spki = Buffer.from("302a300506032b656e032100", "hex");

export const u8 = (value: number): Buffer => Buffer.from([value]);
export const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
export const u24 = (value: number): Buffer => Buffer.concat([u8(value >> 16), u16(value & 0xffff)]);
export const sized8 = (bytes: Uint8Array): Buffer => Buffer.concat([u8(bytes.length), bytes]);
export const sized16 = (bytes: Uint8Array): Buffer => Buffer.concat([u16(bytes.length), bytes]);
export const sized24 = (bytes: Uint8Array): Buffer => Buffer.concat([u24(bytes.length), bytes]);

/** A handshake message with its header. */
export const message = (type: number, body: Uint8Array): Buffer => Buffer.concat([u8(type), sized24(body)]);
export const extension = (type: number, body: Uint8Array): Buffer => Buffer.concat([u16(type), sized16(body)]);
/** A record, as it is. */
export const record = (type: number, content: Uint8Array): Buffer =>
  Buffer.concat([u8(type), u16(0x0303), sized16(content)]);

const sha256 = (...parts: Uint8Array[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const hmac = (key: Uint8Array, ...parts: Uint8Array[]): Buffer => {
  const mac = createHmac("sha256", key);
  for (const part of parts) mac.update(part);
  return mac.digest();
};

/** HKDF-Expand-Label (§7.1), of 32 bytes at most. */
export function expandLabel(secret: Uint8Array, label: string, context: Uint8Array, length: number): Buffer {
  const info = Buffer.concat([u16(length), sized8(Buffer.from(`tls13 ${label}`)), sized8(context)]);
  return hmac(secret, info, u8(1)).subarray(0, length);
}

const nothing = Buffer.alloc(0);
const zeros = Buffer.alloc(32);
const emptyHash = sha256();

/** One direction (§5.2). */
export class Direction {
  #key: Buffer = nothing;
  #iv: Buffer = nothing;
  #sequence = 0n;

  constructor(public secret: Buffer) {
    this.begin(secret);
  }

  begin(secret: Buffer): void {
    this.secret = secret;
    this.#key = expandLabel(secret, "key", nothing, 32);
    this.#iv = expandLabel(secret, "iv", nothing, 12);
    this.#sequence = 0n;
  }

  update(): void {
    this.begin(expandLabel(this.secret, "traffic upd", nothing, 32));
  }

  #nonce(): Buffer {
    const nonce = Buffer.from(this.#iv);
    nonce.writeBigUInt64BE(nonce.readBigUInt64BE(4) ^ this.#sequence++, 4);
    return nonce;
  }

  /** `padding`: zeros behind the type. */
  seal(type: number, content: Uint8Array, padding = 0): Buffer {
    const inner = Buffer.concat([content, u8(type), Buffer.alloc(padding)]);
    const header = Buffer.concat([u8(ContentType.applicationData), u16(0x0303), u16(inner.length + 16)]);
    const cipher = createCipheriv("chacha20-poly1305", this.#key, this.#nonce(), { authTagLength: 16 });
    cipher.setAAD(header, { plaintextLength: inner.length });
    return Buffer.concat([header, cipher.update(inner), cipher.final(), cipher.getAuthTag()]);
  }

  /** Throws where it is not authentic. */
  open(bytes: Buffer): { type: number; content: Buffer } {
    const body = bytes.subarray(5);
    const decipher = createDecipheriv("chacha20-poly1305", this.#key, this.#nonce(), { authTagLength: 16 });
    decipher.setAAD(bytes.subarray(0, 5), { plaintextLength: body.length - 16 });
    decipher.setAuthTag(body.subarray(-16));
    const inner = Buffer.concat([decipher.update(body.subarray(0, -16)), decipher.final()]);
    const end = inner.findLastIndex((byte) => byte !== 0);
    return { type: inner[end]!, content: inner.subarray(0, end) };
  }
}

/** Cuts bytes into records; what is no whole one is left out. */
export function recordsIn(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 5 + bytes.readUInt16BE(at + 3);
    if (end > bytes.length) break;
    records.push(bytes.subarray(at, end));
    at = end;
  }
  return records;
}

export interface ClientHello {
  random: Buffer;
  extensions: Map<number, Buffer>;
  /** The message. */
  bytes: Buffer;
  suites: number[];
}

/** Of the first record that a client sends. */
export function parseClientHello(bytes: Buffer): ClientHello {
  const hello = bytes.subarray(5, 5 + bytes.readUInt16BE(3));
  if (bytes[0] !== ContentType.handshake || hello[0] !== MessageType.clientHello) throw new Error("no ClientHello");
  if (hello.readUIntBE(1, 3) !== hello.length - 4) throw new Error("a wrong length");
  let at = 4 + 2 + 32;
  at += 1 + hello[at]!;
  const suitesBytes = hello.readUInt16BE(at);
  const suites = Array.from({ length: suitesBytes / 2 }, (_, i) => hello.readUInt16BE(at + 2 + 2 * i));
  at += 2 + suitesBytes;
  at += 1 + hello[at]!;
  const end = at + 2 + hello.readUInt16BE(at);
  if (end !== hello.length) throw new Error("a wrong length of extensions");
  const extensions = new Map<number, Buffer>();
  for (at += 2; at < end; at += 4 + hello.readUInt16BE(at + 2))
    extensions.set(hello.readUInt16BE(at), hello.subarray(at + 4, at + 4 + hello.readUInt16BE(at + 2)));
  return { random: hello.subarray(6, 38), extensions, bytes: hello, suites };
}

export interface PeerOptions {
  /** Pre-shared; without one the server shows `certificate`. */
  key?: Uint8Array;
  certificate?: { der: Buffer; key: KeyObject };
  /** 32 bytes that its key exchange is made of; left out: random ones. */
  ephemeralSeed?: Uint8Array;
}

export class TlsPeer {
  readonly #key: Uint8Array | undefined;
  readonly #certificate: PeerOptions["certificate"];
  readonly #privateKey: KeyObject;
  #transcript: Buffer[] = [];
  #secret: Buffer = nothing;
  hello!: ClientHello;
  /** To the client, and from it; there once ServerHello is made. */
  writing!: Direction;
  reading!: Direction;
  #next: Record<"writing" | "reading" | "exporter", Buffer> | undefined;

  constructor({ key, certificate, ephemeralSeed }: PeerOptions) {
    const asDer = { format: "der", type: "pkcs8" } as const;
    this.#privateKey =
      ephemeralSeed === undefined
        ? generateKeyPairSync("x25519").privateKey
        : createPrivateKey({ key: Buffer.concat([x25519Pkcs8, ephemeralSeed]), ...asDer });
    this.#key = key;
    this.#certificate = certificate;
  }

  hear(bytes: Buffer): ClientHello {
    this.hello = parseClientHello(bytes);
    this.#transcript = [this.hello.bytes];
    return this.hello;
  }

  get publicKey(): Buffer {
    return createPublicKey(this.#privateKey).export({ type: "spki", format: "der" }).subarray(-32);
  }

  get transcriptHash(): Buffer {
    return sha256(...this.#transcript);
  }

  /** Adds what was said, or heard, to the transcript. */
  note(bytes: Buffer): Buffer {
    this.#transcript.push(bytes);
    return bytes;
  }

  /** Whether the client's binder (§4.2.11.2) is right. */
  get binderIsRight(): boolean {
    const early = hmac(zeros, this.#key!);
    const binderKey = expandLabel(early, "ext binder", emptyHash, 32);
    const { bytes } = this.hello;
    const expected = hmac(expandLabel(binderKey, "finished", nothing, 32), sha256(bytes.subarray(0, -35)));
    return expected.equals(bytes.subarray(-32));
  }

  serverHelloExtensions(): Buffer[] {
    return [
      extension(43, u16(0x0304)),
      extension(51, Buffer.concat([u16(29), sized16(this.publicKey)])),
      ...(this.#key === undefined ? [] : [extension(41, u16(0))]),
    ];
  }

  serverHello(extensions = this.serverHelloExtensions(), random: Uint8Array = randomBytes(32)): Buffer {
    const fixed = Buffer.concat([u16(0x0303), random, sized8(nothing), u16(0x1303), u8(0)]);
    return message(MessageType.serverHello, Buffer.concat([fixed, sized16(Buffer.concat(extensions))]));
  }

  /** After ServerHello was noted: the handshake's keys. */
  agree(): void {
    const share = this.hello.extensions.get(51)!.subarray(-32);
    const shared = diffieHellman({
      privateKey: this.#privateKey,
      publicKey: createPublicKey({ key: Buffer.concat([x25519Spki, share]), format: "der", type: "spki" }),
    });
    const early = hmac(zeros, this.#key ?? zeros);
    const secret = hmac(expandLabel(early, "derived", emptyHash, 32), shared);
    this.#secret = secret;
    this.writing = new Direction(expandLabel(secret, "s hs traffic", this.transcriptHash, 32));
    this.reading = new Direction(expandLabel(secret, "c hs traffic", this.transcriptHash, 32));
  }

  encryptedExtensions(...extensions: Buffer[]): Buffer {
    return message(MessageType.encryptedExtensions, sized16(Buffer.concat(extensions)));
  }

  certificateRequest(): Buffer {
    const body = Buffer.concat([sized8(nothing), sized16(extension(13, sized16(u16(0x0807))))]);
    return message(MessageType.certificateRequest, body);
  }

  certificate(der: Buffer = this.#certificate!.der, extensions: Uint8Array = nothing): Buffer {
    const list = Buffer.concat([sized24(der), sized16(extensions)]);
    return message(MessageType.certificate, Buffer.concat([sized8(nothing), sized24(list)]));
  }

  /** Over the transcript so far. */
  certificateVerify(key: KeyObject = this.#certificate!.key, context = "TLS 1.3, server CertificateVerify"): Buffer {
    const signed = Buffer.concat([Buffer.alloc(64, 0x20), Buffer.from(`${context}\0`), this.transcriptHash]);
    return message(MessageType.certificateVerify, Buffer.concat([u16(0x0807), sized16(sign(null, signed, key))]));
  }

  finished(): Buffer {
    const key = expandLabel(this.writing.secret, "finished", nothing, 32);
    return message(MessageType.finished, hmac(key, this.transcriptHash));
  }

  /** After Finished was noted. The keys of traffic are used by `useTraffic`. */
  reachMain(): void {
    const main = hmac(expandLabel(this.#secret, "derived", emptyHash, 32), zeros);
    const derive = (label: string): Buffer => expandLabel(main, label, this.transcriptHash, 32);
    this.#next = { writing: derive("s ap traffic"), reading: derive("c ap traffic"), exporter: derive("exp master") };
  }

  /** From now on traffic is sent, by the keys of `reachMain`. */
  writeTraffic(): void {
    this.writing.begin(this.#next!.writing);
  }

  readTraffic(): void {
    this.reading.begin(this.#next!.reading);
  }

  export(label: string): Buffer {
    const secret = expandLabel(this.#next!.exporter, label, emptyHash, 32);
    return expandLabel(secret, "exporter", emptyHash, 32);
  }

  /** What the client's Finished has to be, at the transcript so far. */
  expectedFinished(): Buffer {
    const key = expandLabel(this.reading.secret, "finished", nothing, 32);
    return message(MessageType.finished, hmac(key, this.transcriptHash));
  }
}
