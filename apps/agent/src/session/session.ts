// The session: the device proves its key over fresh nonces, the server proves that it knows the device's secret. Only
// then does the device have contact (docs/protocol.md, "Session").

import { compareBytes } from "../compare";
import { Leaf, Mailbox } from "./mailbox";
import { endLine, say, sayBytes } from "../console";
import { ed25519SignParts } from "../crypto";
import { MAC_CONTACT, PREFIX_MEASURED, PREFIX_SESSION } from "../agent-format";
import { DEVICE_SECRET_BYTES, MEASUREMENT_BYTES, NONCE_BYTES } from "../format";
import { deviceIdBytes, deviceIdPtr, deviceKeySeed } from "../identity/factory";
import { macBegin, macBytes, macField, macMatches } from "../identity/mac";
import { Settings } from "../identity/settings";
import { JsonReader } from "../json/reader";
import { Measurement } from "./measurement";
import { mixIntoRandom, randomBytes } from "../random/random";
import { base64urlEncode } from "../text/base64url";
import { asciiBytes } from "../text/constant";

const ANSWER_TIMEOUT_US: i64 = 15_000_000;

const UNKNOWN: string = "session-unknown";

const unknown: usize = asciiBytes(UNKNOWN);
const prefix: usize = asciiBytes(PREFIX_SESSION);
const measuredPrefix: usize = asciiBytes(PREFIX_MEASURED);
const labelContact: usize = asciiBytes(MAC_CONTACT);
const nonce: usize = memory.data(16);
const received: usize = memory.data(32);
const signature: usize = memory.data(64);
const text: usize = memory.data(32);
/** device LF session LF nonce LF deviceNonce; and LF measurement, which is signed apart */
const signed: usize = memory.data(256);

export class Session {
  readonly id: usize = heap.alloc(NONCE_BYTES);
  /**
   * Id of the connection's first session. Its last will names it, so it is drawn before CONNECT; a later session of the
   * same connection says in its hello which one it goes on from.
   */
  private connection: usize = heap.alloc(NONCE_BYTES);
  private isFirst: bool = true;
  /** What this device chose for the session; commands name it. */
  readonly deviceNonce: Uint8Array = new Uint8Array(NONCE_BYTES);
  /** The server has answered with the contact MAC. */
  proven: bool = false;
  /** 0 not begun, 1 hello sent, 2 proof sent. */
  private step: u32 = 0;
  private deadlineUs: i64 = 0;

  constructor(
    private mailbox: Mailbox,
    private settings: Settings,
    private reader: JsonReader,
    private measurement: Measurement,
  ) {}

  /** Before CONNECT: draws the session's id, and writes what the last will says; its length. */
  beginConnection(will: usize, willBytesMax: u32): u32 {
    this.reset();
    randomBytes(this.connection, NONCE_BYTES);
    this.isFirst = true;
    const json = this.mailbox.json;
    json.begin(will, willBytesMax);
    json.beginObject();
    json.key("session");
    json.base64url(this.connection, NONCE_BYTES);
    json.endObject();
    return json.finish();
  }

  /** The connection ended, or the server no longer knows the session. */
  reset(): void {
    this.proven = false;
    this.step = 0;
  }

  /** Says hello when no session is under way, or the last answer didn't come. */
  advance(nowUs: i64): void {
    if (this.proven || (this.step != 0 && nowUs < this.deadlineUs)) return;
    if (!this.mailbox.begin(Leaf.Hello, 128, 1)) return;
    if (this.isFirst) memory.copy(this.id, this.connection, NONCE_BYTES);
    else randomBytes(this.id, NONCE_BYTES);
    this.writeId();
    if (!this.isFirst) {
      this.mailbox.json.key("connection");
      this.mailbox.json.base64url(this.connection, NONCE_BYTES);
    }
    if (this.mailbox.send() < 0) return;
    this.isFirst = false;
    this.step = 1;
    this.deadlineUs = nowUs + ANSWER_TIMEOUT_US;
  }

  /** Writes the member that every message of the session carries. */
  writeId(): void {
    this.mailbox.json.key("session");
    this.mailbox.json.base64url(this.id, NONCE_BYTES);
  }

  /** Whether the message in the reader belongs to this session. */
  isOurs(): bool {
    return (
      this.reader.base64url("session", received, 32) == NONCE_BYTES && compareBytes(received, this.id, NONCE_BYTES) == 0
    );
  }

  /** A message on `challenge`. True when the session has just been proven. */
  onMessage(nowUs: i64): bool {
    const reader = this.reader;
    if (!this.isOurs()) return false;
    if (!reader.has("accepted")) {
      if (this.step == 1) this.prove(nowUs);
      return false;
    }
    if (!reader.bool("accepted")) {
      const length = reader.string("error", text, 32);
      // What was proven once is not refused any more: a repeated proof is answered, for one. It may be forgotten.
      if (this.proven && (length != UNKNOWN.length || compareBytes(text, unknown, length) != 0)) return false;
      say("session refused: ");
      if (length > 0) sayBytes(text, length);
      endLine();
      const wasProven = this.proven;
      this.reset();
      // A server that was restarted asks for a new session at once; any other refusal waits.
      if (!wasProven) {
        this.step = 1;
        this.deadlineUs = nowUs + ANSWER_TIMEOUT_US;
      }
      return false;
    }
    if (this.proven || this.step != 2 || reader.base64url("mac", received, 32) != 32) return false;
    macBegin(this.settings.secret, DEVICE_SECRET_BYTES, labelContact, MAC_CONTACT.length);
    macField(deviceIdPtr(), deviceIdBytes());
    macBytes(this.id, NONCE_BYTES);
    macBytes(this.deviceNonce.dataStart, NONCE_BYTES);
    if (!macMatches(received)) return false;
    this.proven = true;
    return true;
  }

  private prove(nowUs: i64): void {
    const deviceNonce = this.deviceNonce.dataStart;
    if (this.reader.base64url("nonce", nonce, NONCE_BYTES) != NONCE_BYTES) return;
    // The server's nonce goes in: a challenge that is played back is not answered as it was before, whatever entropy
    // gives.
    mixIntoRandom(nonce, NONCE_BYTES);
    randomBytes(deviceNonce, NONCE_BYTES);
    memory.copy(signed, deviceIdPtr(), deviceIdBytes());
    let length = deviceIdBytes();
    length = appendField(length, this.id);
    length = appendField(length, nonce);
    length = appendField(length, deviceNonce);
    ed25519SignParts(deviceKeySeed(), this.publicKey, prefix, PREFIX_SESSION.length, signed, length, signature);
    if (!this.mailbox.begin(Leaf.Proof, 544, 1)) return;
    const json = this.mailbox.json;
    this.writeId();
    json.key("nonce");
    json.base64url(nonce, NONCE_BYTES);
    json.key("deviceNonce");
    json.base64url(deviceNonce, NONCE_BYTES);
    json.key("signature");
    json.base64url(signature, 64);
    const measurement = this.measurement;
    measurement.take();
    store<u8>(signed + length++, 0x0a);
    memory.copy(signed + length, measurement.bytes, MEASUREMENT_BYTES);
    length += MEASUREMENT_BYTES;
    ed25519SignParts(
      deviceKeySeed(),
      this.publicKey,
      measuredPrefix,
      PREFIX_MEASURED.length,
      signed,
      length,
      signature,
    );
    json.key("measured");
    json.base64url(measurement.bytes, MEASUREMENT_BYTES);
    json.key("measuredSignature");
    json.base64url(signature, 64);
    if (this.mailbox.send() < 0) return;
    this.step = 2;
    this.deadlineUs = nowUs + ANSWER_TIMEOUT_US;
  }

  /** The device's own, of the seed in its factory record. */
  publicKey: usize = 0;
}

function appendField(at: u32, value: usize): u32 {
  store<u8>(signed + at, 0x0a);
  return at + 1 + base64urlEncode(signed + at + 1, value, NONCE_BYTES);
}
