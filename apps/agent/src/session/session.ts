// The session: the device proves its key over fresh nonces, the server proves that it knows the device's secret. Only
// then does the device have contact (docs/protocol.md, "Session").

import { compareBytes } from "../compare";
import { Leaf, Mailbox } from "../agent/mailbox";
import { endLine, say, sayBytes } from "../console";
import { ed25519SignParts } from "../crypto";
import { entropy } from "../exokernel";
import { DEVICE_SECRET_BYTES, MAC_CONTACT, NONCE_BYTES, PREFIX_SESSION } from "../format";
import { deviceIdBytes, deviceIdPtr, deviceKeySeed } from "../identity/factory";
import { macBegin, macBytes, macField, macMatches } from "../identity/mac";
import { Settings } from "../identity/settings";
import { JsonReader } from "../json/reader";
import { base64urlEncode } from "../text/base64url";
import { asciiBytes } from "../text/constant";

const ANSWER_TIMEOUT_US: i64 = 15_000_000;

const prefix: usize = asciiBytes(PREFIX_SESSION);
const labelContact: usize = asciiBytes(MAC_CONTACT);
const nonce: usize = memory.data(16);
const received: usize = memory.data(32);
const signature: usize = memory.data(64);
const text: usize = memory.data(32);
/** device LF session LF nonce LF deviceNonce */
const signed: usize = memory.data(192);

export class Session {
  readonly id: usize = heap.alloc(NONCE_BYTES);
  /** What this device chose for the session; commands name it. */
  readonly deviceNonce: Uint8Array = new Uint8Array(NONCE_BYTES);
  /** The server has answered with the contact MAC. */
  proven: bool = false;
  /** 0 not begun, 1 hello sent, 2 proof sent. */
  private step: u32 = 0;
  private deadlineUs: i64 = 0;

  constructor(private mailbox: Mailbox, private settings: Settings, private reader: JsonReader) {}

  /** The connection ended, or the server no longer knows the session. */
  reset(): void {
    this.proven = false;
    this.step = 0;
  }

  /** Says hello when no session is under way, or the last answer didn't come. */
  advance(nowUs: i64): void {
    if (this.proven || (this.step != 0 && nowUs < this.deadlineUs)) return;
    if (entropy(this.id, NONCE_BYTES) < 0 || !this.mailbox.begin(Leaf.Hello, 64, 1)) return;
    this.writeId();
    if (this.mailbox.send() < 0) return;
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
    return this.reader.base64url("session", received, 32) == NONCE_BYTES && compareBytes(received, this.id, NONCE_BYTES) == 0;
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
    if (this.step != 2 || reader.base64url("mac", received, 32) != 32) return false;
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
    if (this.reader.base64url("nonce", nonce, NONCE_BYTES) != NONCE_BYTES || entropy(deviceNonce, NONCE_BYTES) < 0) return;
    memory.copy(signed, deviceIdPtr(), deviceIdBytes());
    let length = deviceIdBytes();
    length = appendField(length, this.id);
    length = appendField(length, nonce);
    length = appendField(length, deviceNonce);
    ed25519SignParts(deviceKeySeed(), this.publicKey, prefix, PREFIX_SESSION.length, signed, length, signature);
    if (!this.mailbox.begin(Leaf.Proof, 256, 1)) return;
    const json = this.mailbox.json;
    this.writeId();
    json.key("nonce");
    json.base64url(nonce, NONCE_BYTES);
    json.key("deviceNonce");
    json.base64url(deviceNonce, NONCE_BYTES);
    json.key("signature");
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
