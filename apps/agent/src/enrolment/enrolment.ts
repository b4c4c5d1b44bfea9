// Enrolment: the claim is proved by MAC in both directions and never sent; both sides compute the device secret
// (docs/protocol.md, "Enrolment").

import { compareBytes } from "../compare";
import { Leaf, Mailbox } from "../session/mailbox";
import { ed25519PublicKey } from "../crypto";
import { endLine, say, sayBytes } from "../console";
import { MAC_ENROL_DEVICE, MAC_ENROL_SECRET, MAC_ENROL_SERVER } from "../agent-format";
import { CLAIM_SECRET_BYTES, NONCE_BYTES } from "../format";
import { claimSecret, deviceIdBytes, deviceIdPtr, deviceKeySeed } from "../identity/factory";
import { macBegin, macBytes, macField, macFinish, macMatches } from "../identity/mac";
import { Settings } from "../identity/settings";
import { JsonReader } from "../json/reader";
import { randomBytes } from "../random/random";
import { asciiBytes } from "../text/constant";

/** How long an answer may take before enrolment begins again. */
const ANSWER_TIMEOUT_US: i64 = 15_000_000;
/**
 * From a secret that could not be stored to the next attempt, at first and at most; it doubles in between. Trying
 * without a pause would wear out what is left of the flash, and load the server, for ever.
 */
const UNSTORED_PAUSE_MIN_US: i64 = 60_000_000;
const UNSTORED_PAUSE_MAX_US: i64 = 3_600_000_000;

const labelServer: usize = asciiBytes(MAC_ENROL_SERVER);
const labelDevice: usize = asciiBytes(MAC_ENROL_DEVICE);
const labelSecret: usize = asciiBytes(MAC_ENROL_SECRET);
const nonce: usize = memory.data(16);
const serverNonce: usize = memory.data(16);
const received: usize = memory.data(32);
const mac: usize = memory.data(32);
const text: usize = memory.data(32);

export class Enrolment {
  readonly publicKey: usize = heap.alloc(32);
  /** 0 not begun, 1 nonce sent, 2 proof sent. */
  private step: u32 = 0;
  private deadlineUs: i64 = 0;
  /** Over new connections, too. */
  private notBeforeUs: i64 = 0;
  private pauseUs: i64 = UNSTORED_PAUSE_MIN_US;

  constructor(
    private mailbox: Mailbox,
    private settings: Settings,
    private reader: JsonReader,
  ) {}

  loadKey(): void {
    ed25519PublicKey(deviceKeySeed(), this.publicKey);
  }

  reset(): void {
    this.step = 0;
  }

  /** It waits on purpose. */
  isPaused(nowUs: i64): bool {
    return nowUs < this.notBeforeUs;
  }

  /** Sends the first message when none is under way, or the last got no answer. */
  advance(nowUs: i64): void {
    if (this.isPaused(nowUs) || (this.step != 0 && nowUs < this.deadlineUs)) return;
    if (!this.mailbox.begin(Leaf.Enrol, 256, 1)) return;
    randomBytes(nonce, NONCE_BYTES);
    const json = this.mailbox.json;
    json.key("step");
    json.u32(1);
    json.key("device");
    json.string(deviceIdPtr(), deviceIdBytes());
    json.key("publicKey");
    json.base64url(this.publicKey, 32);
    json.key("nonce");
    json.base64url(nonce, NONCE_BYTES);
    if (this.mailbox.send() < 0) return;
    this.step = 1;
    this.deadlineUs = nowUs + ANSWER_TIMEOUT_US;
  }

  /** A message on `enrolled`. True when the device is enrolled now and should connect anew. */
  onMessage(nowUs: i64): bool {
    const reader = this.reader;
    if (reader.base64url("nonce", received, 32) != NONCE_BYTES || compareBytes(received, nonce, NONCE_BYTES) != 0)
      return false;
    if (reader.has("error")) {
      const length = reader.string("error", text, 32);
      say("enrolment refused: ");
      if (length > 0) sayBytes(text, length);
      endLine();
      return false;
    }
    const step = reader.u32("step");
    if (step == 1 && this.step == 1) this.answer(nowUs);
    else if (step == 2 && this.step == 2 && reader.bool("ok") && reader.error == 0) return this.finish(nowUs);
    return false;
  }

  /** The server has proved that it knows the claim: prove the same, and bind the device's key to it. */
  private answer(nowUs: i64): void {
    const reader = this.reader;
    if (
      reader.base64url("serverNonce", serverNonce, NONCE_BYTES) != NONCE_BYTES ||
      reader.base64url("mac", received, 32) != 32
    )
      return;
    this.beginMac(labelServer, MAC_ENROL_SERVER.length);
    if (!macMatches(received)) {
      say("enrolment: this server does not know the claim");
      endLine();
      return;
    }
    this.beginMac(labelDevice, MAC_ENROL_DEVICE.length);
    macBytes(this.publicKey, 32);
    macFinish(mac);
    if (!this.mailbox.begin(Leaf.Enrol, 256, 1)) return;
    const json = this.mailbox.json;
    json.key("step");
    json.u32(2);
    json.key("serverNonce");
    json.base64url(serverNonce, NONCE_BYTES);
    json.key("mac");
    json.base64url(mac, 32);
    if (this.mailbox.send() < 0) return;
    this.step = 2;
    this.deadlineUs = nowUs + ANSWER_TIMEOUT_US;
  }

  private finish(nowUs: i64): bool {
    this.beginMac(labelSecret, MAC_ENROL_SECRET.length);
    macBytes(this.publicKey, 32);
    macFinish(mac);
    this.step = 0;
    if (this.settings.store(mac)) return true;
    say("enrolment: the device secret can't be stored");
    endLine();
    this.notBeforeUs = nowUs + this.pauseUs;
    this.pauseUs = min(2 * this.pauseUs, UNSTORED_PAUSE_MAX_US);
    return false;
  }

  /** Label, device, nonce, server nonce: what all three MACs begin with. */
  private beginMac(label: usize, labelBytes: u32): void {
    macBegin(claimSecret(), CLAIM_SECRET_BYTES, label, labelBytes);
    macField(deviceIdPtr(), deviceIdBytes());
    macBytes(nonce, NONCE_BYTES);
    macBytes(serverNonce, NONCE_BYTES);
  }
}
