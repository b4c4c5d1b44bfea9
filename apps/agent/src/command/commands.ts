// Commands of the server's operations key: checked, answered, then carried out, each once (docs/protocol.md,
// "Commands"). None of them can install, downgrade or change trust.

import { BootState } from "../boot-state";
import { Leaf, Mailbox } from "../session/mailbox";
import { endLine, say, sayNumber, sayText } from "../console";
import { sha256 } from "../crypto";
import { reset, ResetReason } from "../exokernel";
import { PREFIX_COMMAND } from "../agent-format";
import {
  COMMAND_BODY_BYTES,
  COMMAND_COLLECT_LOGS,
  COMMAND_ID_BYTES,
  COMMAND_ID_OFFSET,
  COMMAND_IDENTIFY,
  COMMAND_KIND_OFFSET,
  COMMAND_NUMBER_OFFSET,
  COMMAND_PORT_OFFSET,
  COMMAND_ROLL_BACK,
  COMMAND_SECONDS_OFFSET,
  COMMAND_SET_CONFIGURATION,
  COMMAND_SET_CONNECTION,
  commandArgumentsError,
  commandBindingError,
  ErrorCode,
  isCommandBody,
  parseSignatureBlock,
  SIGNATURE_BLOCK_PREFIX_BYTES,
  SIGNATURE_ENTRY_BYTES,
  SIGNATURES_MAX,
} from "../format";
import { deviceIdBytes, deviceIdPtr } from "../identity/factory";
import { JsonReader } from "../json/reader";
import { Session } from "../session/session";
import { asciiBytes } from "../text/constant";
import { checkSignatures } from "../trust/signatures";
import { TrustStore } from "../trust/trust-store";
import { UpdateTask } from "../update/update";
import { Configuration } from "./configuration";
import { ConnectionCandidate } from "./connection-candidate";
import { Identify } from "./identify";
import { LogParts } from "./log-parts";
import { RollBack } from "./roll-back";

/** How long the server may be told before the command is carried out. */
const FAREWELL_US: i64 = 500_000;
const SOON_US: i64 = 50_000;
const COMMAND_BYTES_MAX: i32 =
  COMMAND_BODY_BYTES + SIGNATURE_BLOCK_PREFIX_BYTES + <i32>SIGNATURES_MAX * SIGNATURE_ENTRY_BYTES;

const prefix: usize = asciiBytes(PREFIX_COMMAND);
const answerId: usize = memory.data(16);

export class Commands {
  private bytes: Uint8Array = new Uint8Array(COMMAND_BYTES_MAX);
  private deviceHash: Uint8Array = new Uint8Array(32);
  /** Of the newest command that was taken in this session. */
  private lastNumber: u32 = 0;
  private answering: bool = false;
  private answerCode: i32 = 0;
  /** The kind that is carried out as soon as the server has the answer; 0 for none. */
  private pending: u32 = 0;
  private farewellUs: i64 = 0;
  private identify: Identify = new Identify();
  private logs: LogParts;

  constructor(
    private boot: BootState,
    private trust: TrustStore,
    private mailbox: Mailbox,
    private session: Session,
    private reader: JsonReader,
    private update: UpdateTask,
    readonly candidate: ConnectionCandidate,
    readonly configuration: Configuration,
    private rollBack: RollBack,
  ) {
    this.logs = new LogParts(mailbox, session);
  }

  /** Before the first connection. */
  begin(nowUs: i64): void {
    sha256(deviceIdPtr(), deviceIdBytes(), this.deviceHash.dataStart);
    this.candidate.begin(nowUs, this.onTrial());
    this.configuration.begin(nowUs);
  }

  /** A new session: what was asked in the last one concerns nobody. */
  onSessionProven(): void {
    this.lastNumber = 0;
    this.answering = false;
    this.logs.stop();
  }

  /** A message on `command` of this session, in the reader. One without the form of a command gets no answer. */
  onMessage(nowUs: i64): void {
    const bytes = this.bytes;
    const length = this.reader.base64url("command", bytes.dataStart, COMMAND_BYTES_MAX);
    // The server waits for an answer before it sends the next one.
    if (!isCommandBody(bytes, 0, length) || this.answering) return;
    const code = this.take(length, nowUs);
    memory.copy(answerId, bytes.dataStart + COMMAND_ID_OFFSET, COMMAND_ID_BYTES);
    this.answerCode = code;
    this.answering = true;
    say("command ");
    sayNumber(load<u16>(bytes.dataStart, COMMAND_KIND_OFFSET));
    sayText(", code ");
    sayNumber(code);
    endLine();
  }

  /** Answers, and carries out. True when the connection is to be made anew, to another server. */
  advance(nowUs: i64): bool {
    if (this.session.proven) {
      if (this.answering) this.answer();
      else this.logs.advance();
    }
    this.identify.advance(nowUs);
    this.configuration.advance(nowUs);
    let moved = this.candidate.advance(nowUs, this.session.proven);
    const told = !this.answering && this.mailbox.mqtt.unacknowledged() == 0;
    if (this.pending != 0 && (told || nowUs >= this.farewellUs)) {
      const kind = this.pending;
      this.pending = 0;
      if (kind == COMMAND_SET_CONNECTION) {
        this.candidate.use(nowUs);
        moved = true;
      } else {
        say("resetting, as commanded");
        endLine();
        reset(kind == COMMAND_ROLL_BACK ? ResetReason.RollBack : ResetReason.Requested);
      }
    }
    // An update waits until this is over: of image and server, one is on probation at a time.
    this.update.held = this.isBusy();
    return moved;
  }

  isBusy(): bool {
    return this.pending != 0 || this.candidate.settings.usesCandidate;
  }

  nextWakeUs(nowUs: i64): i64 {
    const soon = this.isBusy() || this.logs.isOpen() || this.configuration.isOpen();
    return soon ? nowUs + SOON_US : this.identify.nextUs;
  }

  private onTrial(): bool {
    return this.boot.trial || this.boot.inContactFallback();
  }

  /** Checks, and begins what the command says; an ErrorCode. */
  private take(length: i32, nowUs: i64): i32 {
    const bytes = this.bytes;
    let code = commandBindingError(bytes, 0, this.deviceHash, this.session.deviceNonce, this.lastNumber);
    if (code != ErrorCode.None) return code;
    const block = parseSignatureBlock(bytes, COMMAND_BODY_BYTES, length - COMMAND_BODY_BYTES);
    if (block < 0 || COMMAND_BODY_BYTES + block != length) return ErrorCode.CommandMalformed;
    const trust = this.trust;
    code = checkSignatures(
      prefix,
      PREFIX_COMMAND.length,
      bytes.dataStart,
      COMMAND_BODY_BYTES,
      bytes,
      COMMAND_BODY_BYTES,
      trust.operationsKeys,
      trust.operationsKeyCount,
      1,
    );
    if (code != ErrorCode.None) return code;
    // Whatever comes of it, it is not taken again.
    this.lastNumber = load<u32>(bytes.dataStart, COMMAND_NUMBER_OFFSET);
    code = commandArgumentsError(bytes, 0);
    if (code != ErrorCode.None) return code;
    return this.accept(load<u16>(bytes.dataStart, COMMAND_KIND_OFFSET), bytes.dataStart, nowUs);
  }

  /** Begins one that was checked; an ErrorCode. */
  private accept(kind: u32, body: usize, nowUs: i64): i32 {
    // These two change nothing, so they may come at any time.
    if (kind == COMMAND_IDENTIFY) {
      this.identify.begin(load<u16>(body, COMMAND_SECONDS_OFFSET), nowUs);
      return ErrorCode.None;
    }
    if (kind == COMMAND_COLLECT_LOGS) {
      this.logs.begin(body + COMMAND_ID_OFFSET);
      return ErrorCode.None;
    }
    if (this.onTrial() || this.update.isBusy() || this.isBusy()) return ErrorCode.DeviceBusy;
    if (kind == COMMAND_SET_CONFIGURATION) return this.configuration.propose(body, nowUs);
    let code: i32 = ErrorCode.None;
    if (kind == COMMAND_SET_CONNECTION)
      code = this.candidate.propose(body + COMMAND_PORT_OFFSET, body + COMMAND_ID_OFFSET);
    else if (kind == COMMAND_ROLL_BACK) code = this.rollBack.begin();
    if (code != ErrorCode.None) return code;
    this.pending = kind;
    this.farewellUs = nowUs + FAREWELL_US;
    this.update.held = true;
    return ErrorCode.None;
  }

  private answer(): void {
    if (!this.mailbox.begin(Leaf.Answer, 160, 1)) return;
    const json = this.mailbox.json;
    this.session.writeId();
    json.key("command");
    json.hex(answerId, COMMAND_ID_BYTES);
    json.key("code");
    json.u32(this.answerCode);
    this.answering = this.mailbox.send() < 0;
  }
}
