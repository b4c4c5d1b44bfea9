// Whether this device is kept from updates: by the release states that its server hands on (portable/release-state.ts),
// each of which a release key signed. What is wrong is said in check-ins, and is no reason to refuse anything: an old
// image that runs is better than none. docs/protocol.md, "Release states".

import { compareBytes } from "../compare";
import { BootState } from "../boot-state";
import { clockUs } from "../exokernel";
import { PREFIX_STATE } from "../agent-format";
import {
  ErrorCode,
  isReleaseStateBody,
  parseSignatureBlock,
  RELEASE_STATE_BODY_BYTES,
  RELEASE_STATE_ISSUED_OFFSET,
  RELEASE_STATE_PRODUCT_BYTES_OFFSET,
  RELEASE_STATE_PRODUCT_OFFSET,
  RELEASE_STATE_SEQUENCE_OFFSET,
  RELEASE_STATE_UNTIL_OFFSET,
  SIGNATURE_BLOCK_PREFIX_BYTES,
  SIGNATURE_ENTRY_BYTES,
  SIGNATURES_MAX,
} from "../format";
import { productBytes, productPtr } from "../identity/factory";
import { JsonReader } from "../json/reader";
import { asciiBytes } from "../text/constant";
import { checkSignatures } from "../trust/signatures";
import { TrustChain } from "../trust/trust-chain";

const BYTES_MAX: i32 =
  RELEASE_STATE_BODY_BYTES + SIGNATURE_BLOCK_PREFIX_BYTES + <i32>SIGNATURES_MAX * SIGNATURE_ENTRY_BYTES;
/** A rollout may take its time; a week after its release is known to be there, it should have come. */
const BEHIND_US: i64 = 604_800_000_000;

const prefix: usize = asciiBytes(PREFIX_STATE);

export class Freshness {
  /** Of the newest state that held in this run, in seconds since 1970; 0: there was none. */
  issuedS: u32 = 0;
  untilS: u32 = 0;
  releaseSequence: u32 = 0;
  private bytes: Uint8Array = new Uint8Array(BYTES_MAX);
  /** Of what came last. */
  private fault: string = "";
  private isAwaited: bool = false;
  /** By the clock of this run the time was at least `issuedS` then. */
  private issuedUs: i64 = 0;
  /** The highest sequence that was offered and could have been installed. */
  private offeredSequence: u32 = 0;
  /** When a state first named a release that was not offered; -1: none does. */
  private behindUs: i64 = -1;

  constructor(
    private boot: BootState,
    private trust: TrustChain,
    private reader: JsonReader,
  ) {}

  /** The first offer of a session brings the state, and others where it has changed. */
  onSessionProven(): void {
    this.isAwaited = true;
  }

  /** An offer of this session is in the reader. */
  onOffer(nowUs: i64): void {
    if (this.reader.has("state")) this.fault = this.take(nowUs);
    else if (this.isAwaited && this.issuedS != 0) this.fault = "missing";
    this.isAwaited = false;
  }

  /** A release of this sequence was offered, and nothing speaks against it. */
  onOffered(sequence: u32): void {
    this.offeredSequence = max(this.offeredSequence, sequence);
    if (this.releaseSequence <= this.offeredSequence) this.behindUs = -1;
  }

  /** What is wrong now; empty: nothing. */
  warning(): string {
    if (this.fault.length != 0 || this.issuedS == 0) return this.fault;
    const nowUs = clockUs();
    if (<i64>(this.untilS - this.issuedS) * 1_000_000 < nowUs - this.issuedUs) return "expired";
    return this.behindUs >= 0 && nowUs - this.behindUs >= BEHIND_US ? "behind" : "";
  }

  /** What is wrong with the state in the reader. */
  private take(nowUs: i64): string {
    const bytes = this.bytes;
    const body = bytes.dataStart;
    const length = this.reader.base64url("state", body, BYTES_MAX);
    if (!this.isForThisProduct(length)) return "invalid";
    const issuedS = load<u32>(body, RELEASE_STATE_ISSUED_OFFSET);
    // The one that is known is not verified again.
    if (issuedS == this.issuedS) return "";
    if (!this.isSigned(length)) return "invalid";
    const sequence = load<u32>(body, RELEASE_STATE_SEQUENCE_OFFSET);
    const running = this.boot.running.header.releaseSequence;
    if (issuedS < this.issuedS || sequence < running) return "older";
    // What has passed since an earlier one counts: the clock of a run has no date, but it goes on.
    this.issuedUs = this.issuedS == 0 ? nowUs : min(nowUs, this.issuedUs + <i64>(issuedS - this.issuedS) * 1_000_000);
    this.issuedS = issuedS;
    this.untilS = load<u32>(body, RELEASE_STATE_UNTIL_OFFSET);
    this.releaseSequence = sequence;
    if (sequence <= max(running, this.offeredSequence)) this.behindUs = -1;
    else if (this.behindUs < 0) this.behindUs = nowUs;
    return "";
  }

  private isForThisProduct(length: i32): bool {
    const body = this.bytes.dataStart;
    return (
      isReleaseStateBody(this.bytes, 0, length) &&
      load<u8>(body, RELEASE_STATE_PRODUCT_BYTES_OFFSET) == productBytes() &&
      compareBytes(body + RELEASE_STATE_PRODUCT_OFFSET, productPtr(), productBytes()) == 0
    );
  }

  private isSigned(length: i32): bool {
    const bytes = this.bytes;
    const block = parseSignatureBlock(bytes, RELEASE_STATE_BODY_BYTES, length - RELEASE_STATE_BODY_BYTES);
    return (
      RELEASE_STATE_BODY_BYTES + block == length &&
      checkSignatures(
        prefix,
        PREFIX_STATE.length,
        bytes.dataStart,
        RELEASE_STATE_BODY_BYTES,
        bytes,
        RELEASE_STATE_BODY_BYTES,
        this.trust.releaseKeys,
        this.trust.releaseKeyCount,
        1,
      ) == ErrorCode.None
    );
  }
}
