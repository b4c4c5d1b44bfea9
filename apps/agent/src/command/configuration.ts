// The app's configuration: what a command brings is handed to the app, and stored when the app takes it; what is in
// force is handed to it at each start. Whatever it refuses, or says nothing of, changes nothing that is stored
// (docs/protocol.md, "Configuration").

import { compareBytes } from "../compare";
import { endLine, say, sayBytes, sayNumber, sayText } from "../console";
import { sha256 } from "../crypto";
import { configurationPropose, configurationVerdict } from "../exokernel";
import {
  COMMAND_CONFIGURATION_NUMBER_OFFSET,
  COMMAND_DOCUMENT_BYTES_OFFSET,
  COMMAND_DOCUMENT_DIGEST_OFFSET,
  CONFIGURATION_BYTES_MAX,
  CONFIGURATION_REFUSAL_TEXT_BYTES_MAX,
  DIGEST_BYTES,
  ErrorCode,
} from "../format";
import { Settings } from "../identity/settings";
import { JsonKind, JsonReader } from "../json/reader";

/** How long the app may take to judge one; it runs once a second. */
const VERDICT_US: i64 = 10_000_000;

namespace Waits {
  export const ForNothing: u32 = 0;
  /** The one in force was handed over. */
  export const InForce: u32 = 1;
  /** One that a command brought was. */
  export const Proposed: u32 = 2;
}

/** What a message brings; and what of it was proposed, until the app has judged it. */
const incoming: usize = memory.data(1024, 8);
const document: usize = memory.data(1024, 8);
const verdict: usize = memory.data(80, 8);
const incomingDigest: usize = memory.data(32);
const proposedDigest: usize = memory.data(32);
const digestInForce: usize = memory.data(32);

export class Configuration {
  /** What was refused last in this run, until another one is proposed; ErrorCode.None: nothing. */
  refusedCode: i32 = ErrorCode.None;
  refusedNumber: u32 = 0;
  /** What the app said of it: a code of its own, and a text. Means something with ConfigurationRefused. */
  appCode: i32 = 0;
  textBytes: u32 = 0;
  /** Check-ins say something else than before. */
  changed: bool = false;
  private waits: u32 = Waits.ForNothing;
  private deadlineUs: i64 = 0;
  /** Of the one that a command brought. */
  private number: u32 = 0;
  private bytes: u32 = 0;

  constructor(
    readonly settings: Settings,
    private reader: JsonReader,
  ) {}

  text(): usize {
    return verdict + 16;
  }

  /** SHA-256 of the document in force; means something when there is one. */
  digest(): usize {
    return digestInForce;
  }

  /** At the start of a run. */
  begin(nowUs: i64): void {
    const settings = this.settings;
    if (settings.configurationNumber() == 0) return;
    sha256(settings.configurationDocument(), settings.configurationBytes(), digestInForce);
    this.handOverInForce(nowUs);
  }

  /** One that a command brought waits for the app's word. */
  isOpen(): bool {
    return this.waits == Waits.Proposed;
  }

  /**
   * Takes what a command's message brings, in the reader, whose content is lost, and hands it to the app, in place of
   * one that it has not judged yet. `command`: its body, signed, its arguments checked. An ErrorCode.
   */
  propose(command: usize, nowUs: i64): i32 {
    const bytes = this.reader.base64url("document", incoming, CONFIGURATION_BYTES_MAX);
    if (bytes != <i32>load<u16>(command, COMMAND_DOCUMENT_BYTES_OFFSET)) return ErrorCode.CommandMalformed;
    sha256(incoming, bytes, incomingDigest);
    if (compareBytes(incomingDigest, command + COMMAND_DOCUMENT_DIGEST_OFFSET, DIGEST_BYTES) != 0)
      return ErrorCode.CommandMalformed;
    if (this.reader.open(incoming, bytes) != 0 || this.reader.kind(this.reader.root) != JsonKind.Object)
      return ErrorCode.CommandMalformed;
    const number = load<u32>(command, COMMAND_CONFIGURATION_NUMBER_OFFSET);
    if (number < this.settings.configurationNumber()) return ErrorCode.ConfigurationOlder;
    memory.copy(document, incoming, bytes);
    memory.copy(proposedDigest, incomingDigest, DIGEST_BYTES);
    this.number = number;
    this.bytes = bytes;
    this.refusedCode = ErrorCode.None;
    this.handOver(Waits.Proposed, document, bytes, number, nowUs);
    return ErrorCode.None;
  }

  advance(nowUs: i64): void {
    if (this.waits == Waits.ForNothing) return;
    const isProposed = this.waits == Waits.Proposed;
    const number = isProposed ? this.number : this.settings.configurationNumber();
    if (configurationVerdict(verdict) < 0) {
      if (nowUs < this.deadlineUs) return;
      // An answer that comes later would be to nobody.
      configurationPropose(document, 0, 0);
      this.refuse(number, ErrorCode.ConfigurationNotAnswered);
    } else if (load<i32>(verdict, 4) != 0) {
      this.refuse(number, ErrorCode.ConfigurationRefused);
    } else if (isProposed && !this.store()) {
      this.refuse(number, ErrorCode.FlashFailed);
      // The app goes by it already.
      if (this.settings.configurationNumber() != 0) this.handOverInForce(nowUs);
    } else {
      this.waits = Waits.ForNothing;
      say("configuration ");
      sayNumber(number);
      sayText(" in force");
      endLine();
    }
  }

  private handOverInForce(nowUs: i64): void {
    const settings = this.settings;
    const number = settings.configurationNumber();
    this.handOver(Waits.InForce, settings.configurationDocument(), settings.configurationBytes(), number, nowUs);
  }

  private handOver(waits: u32, ptr: usize, bytes: u32, number: u32, nowUs: i64): void {
    configurationPropose(ptr, bytes, number);
    this.waits = waits;
    this.deadlineUs = nowUs + VERDICT_US;
  }

  /** False: flash takes it not. What is in force already is in flash. */
  private store(): bool {
    const settings = this.settings;
    this.changed = true;
    if (settings.configurationNumber() == this.number && compareBytes(proposedDigest, digestInForce, DIGEST_BYTES) == 0)
      return true;
    if (!settings.storeConfiguration(this.number, document, this.bytes)) return false;
    memory.copy(digestInForce, proposedDigest, DIGEST_BYTES);
    return true;
  }

  private refuse(number: u32, code: i32): void {
    this.waits = Waits.ForNothing;
    this.changed = true;
    this.refusedNumber = number;
    this.refusedCode = code;
    this.appCode = load<i32>(verdict, 4);
    this.textBytes = min<u32>(load<u32>(verdict, 8), <u32>CONFIGURATION_REFUSAL_TEXT_BYTES_MAX);
    say("configuration ");
    sayNumber(number);
    sayText(" refused, code ");
    sayNumber(code);
    if (code == ErrorCode.ConfigurationRefused) {
      sayText(": ");
      sayBytes(this.text(), this.textBytes);
    }
    endLine();
  }
}
