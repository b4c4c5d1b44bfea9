// The update agent: offer → table → chunk by chunk (verify, program, read back, seal each sector) → verify the whole
// image from flash → candidate → reset. Order and reasons: docs/architecture.md, "Update".

import { compareBytes } from "../compare";
import { BootState } from "../boot-state";
import { Mailbox } from "../session/mailbox";
import { endLine, say, sayHex, sayNumber, sayText } from "../console";
import { divided } from "../divide";
import { reset, ResetReason } from "../exokernel";
import {
  CHUNK_MESSAGE_MAGIC,
  CHUNK_MESSAGE_PREFIX_BYTES,
  CHUNK_PART_PAYLOAD,
  CHUNK_PART_TABLE,
  CHUNK_TABLE_PIECE_BYTES,
  chunkTableBytes,
  DeploymentState,
  DIGEST_BYTES,
  ErrorCode,
  SlotState,
} from "../format";
import { Manifest } from "../image/manifest";
import { PayloadCheck } from "../image/payload-check";
import { JsonReader } from "../json/reader";
import { NEVER_US, Task } from "../scheduler/scheduler";
import { Session } from "../session/session";
import { TrustStore } from "../trust/trust-store";
import { BeginBudget } from "./begin-budget";
import { ChunkFetch } from "./chunk-fetch";
import { Deployment } from "./deployment";
import { Freshness } from "./freshness";
import { DEPLOYMENT_ID_BYTES_MAX, Journal } from "./journal";
import { OfferCheck } from "./offer-check";
import { SealedSlot } from "./sealed-slot";

/** How long the server may be told of `rebooting` before the reset. */
const FAREWELL_US: i64 = 500_000;
/** How often an update that was put off looks whether a command is still under way. */
const HELD_POLL_US: i64 = 100_000;
const WRONG_CHUNKS_MAX: u32 = 3;
const CHECKS_PER_RUN: u32 = 4;

namespace Phase {
  export const Idle: i32 = 0;
  export const Waiting: i32 = 1;
  export const Table: i32 = 2;
  export const Payload: i32 = 3;
  export const Verify: i32 = 4;
  export const Farewell: i32 = 5;
}

const offeredId: usize = memory.data(48);

export class UpdateTask extends Task {
  readonly deployment: Deployment;
  readonly freshness: Freshness;
  private manifest: Manifest;
  private offer: OfferCheck;
  private slot: SealedSlot;
  private fetch: ChunkFetch;
  private budget: BeginBudget;
  private phase: i32 = Phase.Idle;
  private nowUs: i64 = 0;
  private deadlineUs: i64 = NEVER_US;
  private farewellUs: i64 = 0;
  private wrongChunks: u32 = 0;
  /** When a beginning that was put off is due. */
  private beginUs: i64 = 0;
  /** This update was counted as a beginning. */
  private isCounted: bool = false;
  /** The image was in the other slot already. */
  private isReused: bool = false;
  /** A part of the image was written in an earlier run. */
  private isTakenUp: bool = false;
  /** No offer is taken up: a command is under way (command/commands.ts). */
  held: bool = false;

  /** `inSlot`: what is read back from the slot; `check` works on it. */
  constructor(
    private boot: BootState,
    private trust: TrustStore,
    private journal: Journal,
    private mailbox: Mailbox,
    session: Session,
    private reader: JsonReader,
    private inSlot: Manifest,
    private check: PayloadCheck,
  ) {
    super();
    const deployment = new Deployment();
    const manifest = new Manifest();
    this.deployment = deployment;
    this.freshness = new Freshness(boot, trust, reader);
    this.manifest = manifest;
    this.offer = new OfferCheck(boot, trust, journal, reader, manifest);
    this.slot = new SealedSlot(boot, journal, manifest, inSlot);
    this.fetch = new ChunkFetch(mailbox, session, deployment);
    this.budget = new BeginBudget(boot, journal);
  }

  /** What the journal remembers of the deployment that this boot came from. */
  recall(nowUs: i64): void {
    this.budget.start(nowUs);
    const journal = this.journal;
    if (!journal.begun) return;
    const d = this.deployment;
    d.take(journal.deploymentId, journal.deploymentIdBytes, journal.attempt);
    const boot = this.boot;
    if (compareBytes(journal.digest, boot.running.digest.dataStart, DIGEST_BYTES) == 0) {
      d.enter(boot.trial ? DeploymentState.Testing : DeploymentState.Confirmed);
    } else if (
      (boot.otherState() == SlotState.Failed || boot.wasLeftByCommand()) &&
      compareBytes(journal.digest, boot.otherDigest(), DIGEST_BYTES) == 0
    ) {
      d.enter(DeploymentState.RolledBack, boot.otherReason());
      say("rolled back, code ");
      sayNumber(d.code);
      d.sayId();
      endLine();
    } else if (boot.inContactFallback()) {
      d.enter(DeploymentState.Testing);
    } else {
      // It was being downloaded; the next offer takes it up where the seals say.
      d.idBytes = 0;
    }
  }

  isBusy(): bool {
    return this.phase > Phase.Waiting;
  }

  remainingWork(): u32 {
    if (!this.isBusy()) return 0;
    return (
      this.manifest.header.payloadBytes -
      min(this.manifest.header.payloadBytes, this.fetch.next * this.manifest.header.chunkBytes)
    );
  }

  /** An image was verified, or is being verified, by the present release keys, and the reset into it has not come. */
  isInstalling(): bool {
    return this.phase >= Phase.Verify;
  }

  /** How long a check-in may wait so that a slow link is left to the download. */
  checkInSpacingUs(): i64 {
    return this.phase == Phase.Table || this.phase == Phase.Payload ? this.fetch.checkInSpacingUs() : 0;
  }

  // ---- offers ------------------------------------------------------------------------------------------------------

  /** A message on `offer` of this session, in the reader. */
  onOffer(nowUs: i64): void {
    this.nowUs = nowUs;
    const reader = this.reader;
    this.freshness.onOffer(nowUs);
    if (!reader.has("deployment")) {
      if (this.phase != Phase.Idle && !this.isInstalling()) {
        say("update withdrawn");
        endLine();
        this.phase = Phase.Idle;
        this.deployment.idBytes = 0;
      }
      return;
    }
    const idBytes = reader.string("deployment", offeredId, DEPLOYMENT_ID_BYTES_MAX);
    const attempt = reader.u32("attempt");
    if (idBytes <= 0 || reader.error != 0) return;
    const d = this.deployment;
    if (d.isThis(offeredId, idBytes, attempt) && (this.phase != Phase.Idle || d.isOver())) {
      // Known already. Say again where it ended: the server may have missed it.
      if (d.isOver()) d.dirty = true;
      return;
    }
    // First things first; it will be offered again. A fallback for want of contact is a trial that isn't over.
    if (this.boot.trial || this.boot.inContactFallback() || this.isInstalling() || this.held) return;
    d.take(offeredId, idBytes, attempt);
    // Nothing is given up for an update that could not be made to count.
    const code = this.boot.isRecorded() ? this.accept() : ErrorCode.FlashFailed;
    if (code == ErrorCode.FlashFailed) this.fail(code);
    else if (code != ErrorCode.None) this.reject(code);
    this.wake();
  }

  /** Judges the offer and begins. An ErrorCode. */
  private accept(): i32 {
    this.phase = Phase.Idle;
    const code = this.offer.judge();
    if (code != ErrorCode.None) return code;
    this.freshness.onOffered(this.manifest.header.releaseSequence);
    if (this.offer.runsAlready()) {
      this.deployment.enter(DeploymentState.Confirmed); // it runs, and is confirmed (a trial takes no offers)
      return ErrorCode.None;
    }
    say("update accepted ");
    sayHex(this.manifest.digest.dataStart, 8);
    this.deployment.sayId();
    endLine();
    this.beginUs = this.budget.earliestUs(this.manifest.digest.dataStart, this.boot.otherSlot(), this.nowUs);
    if (this.nowUs < this.beginUs) this.putOff(<u32>divided(<u64>(this.beginUs - this.nowUs), 1000));
    else this.beginDownload();
    return ErrorCode.None;
  }

  /** Too many beginnings have come to nothing: the server and the console hear why, and for how long. */
  private putOff(waitMs: u32): void {
    this.phase = Phase.Waiting;
    this.deployment.putOff(waitMs);
    say("update put off for ");
    sayNumber(waitMs / 1000 + 1);
    sayText(" s: those before it came to nothing");
    endLine();
  }

  /** Before the journal says so in flash. */
  private countBeginning(): void {
    if (!this.isCounted) this.budget.spend(this.manifest.digest.dataStart, this.boot.otherSlot(), this.nowUs);
    this.isCounted = true;
  }

  private beginDownload(): void {
    const digest = this.manifest.digest.dataStart;
    const d = this.deployment;
    this.deadlineUs = this.nowUs + <i64>this.offer.deadlineMs * 1000;
    this.wrongChunks = 0;
    this.isCounted = false;
    this.isReused = false;
    this.isTakenUp = false;
    // Going back: the image is there already, and is verified from flash like one that has just come.
    if (this.offer.isConfirmedInOtherSlot()) {
      this.countBeginning();
      if (this.journal.begin(digest, this.boot.otherSlot(), d.id, d.idBytes, d.attempt, true)) {
        this.isReused = true;
        const count = this.manifest.header.chunkCount;
        this.fetch.begin(CHUNK_PART_PAYLOAD, count, count);
        return this.startVerify();
      }
    } else if (this.journal.isFor(digest, this.boot.otherSlot())) {
      this.countBeginning();
      if (this.journal.resume(d.id, d.idBytes, d.attempt) && this.slot.tableFromSlot()) {
        this.isTakenUp = true;
        return this.startPayload();
      }
    }
    this.startTable();
  }

  private startTable(): void {
    this.phase = Phase.Table;
    const count = this.manifest.header.chunkCount;
    this.fetch.begin(
      CHUNK_PART_TABLE,
      0,
      (chunkTableBytes(count) + CHUNK_TABLE_PIECE_BYTES - 1) / CHUNK_TABLE_PIECE_BYTES,
    );
    this.deployment.enter(DeploymentState.Downloading);
    this.deployment.progress(0, count);
    this.wake();
  }

  // ---- running -----------------------------------------------------------------------------------------------------

  run(nowUs: i64): i64 {
    this.nowUs = nowUs;
    if (this.phase == Phase.Idle) return NEVER_US;
    if (this.phase == Phase.Farewell) {
      if (this.deployment.state == DeploymentState.Installed && (!this.deployment.dirty || nowUs >= this.farewellUs))
        this.deployment.enter(DeploymentState.Rebooting);
      const told = !this.deployment.dirty && this.mailbox.mqtt.unacknowledged() == 0;
      if (!told && nowUs < this.farewellUs) return nowUs + 20_000;
      say("resetting into the candidate");
      endLine();
      reset(ResetReason.Update);
      return NEVER_US;
    }
    if (this.phase == Phase.Waiting) {
      if (nowUs < this.beginUs || this.held) return max(this.beginUs, nowUs + HELD_POLL_US);
      this.beginDownload();
      return nowUs;
    }
    if (nowUs >= this.deadlineUs) {
      this.fail(ErrorCode.DownloadTimedOut);
      return NEVER_US;
    }
    if (this.phase == Phase.Verify) return this.verifySome(nowUs);
    return min(this.fetch.run(nowUs), this.deadlineUs);
  }

  /** A new session: what was asked for in the last one will not come. */
  onSessionProven(): void {
    this.fetch.onNewSession();
    this.freshness.onSessionProven();
    this.wake();
  }

  /** A message on `chunk`. Anything that was not asked for is ignored: a late or repeated answer does no harm. */
  onChunk(ptr: usize, length: u32, nowUs: i64): void {
    this.nowUs = nowUs;
    if (this.phase != Phase.Table && this.phase != Phase.Payload) return;
    if (length < <u32>CHUNK_MESSAGE_PREFIX_BYTES || load<u32>(ptr) != CHUNK_MESSAGE_MAGIC) return;
    const part = <u32>load<u8>(ptr, 8);
    if (load<u32>(ptr, 4) != this.deployment.attempt || compareBytes(ptr + 9, this.manifest.digest.dataStart, 3) != 0)
      return;
    const data = ptr + CHUNK_MESSAGE_PREFIX_BYTES;
    const dataBytes = length - CHUNK_MESSAGE_PREFIX_BYTES;
    if (!this.fetch.isNext(part, load<u32>(ptr, 12), dataBytes, nowUs)) return;
    if (part == CHUNK_PART_TABLE) this.takeTablePiece(data, dataBytes);
    else this.takeChunk(data, dataBytes);
    this.wake();
  }

  private takeTablePiece(data: usize, bytes: u32): void {
    if (!this.slot.takeTablePiece(this.fetch.next, data, bytes)) return this.wrongPiece(ErrorCode.ChunkTableMismatch);
    this.fetch.advance();
    if (!this.fetch.isDone()) return;
    if (!this.slot.writer.tableHolds()) {
      this.fetch.next = 0;
      return this.wrongPiece(ErrorCode.ChunkTableMismatch);
    }
    this.countBeginning();
    const code = this.slot.storeManifest(this.deployment);
    if (code != ErrorCode.None) return this.fail(code);
    this.startPayload();
  }

  /** A piece that is not what was signed: asked for again, refused the third time in a row. */
  private wrongPiece(code: i32): void {
    this.fetch.askAgain();
    if (++this.wrongChunks >= WRONG_CHUNKS_MAX) this.reject(code);
  }

  private startPayload(): void {
    this.phase = Phase.Payload;
    this.wrongChunks = 0;
    this.deployment.enter(DeploymentState.Downloading);
    const count = this.manifest.header.chunkCount;
    const first = this.slot.skipSealed(0);
    this.fetch.begin(CHUNK_PART_PAYLOAD, first, count);
    if (first > 0) {
      say("download goes on at chunk ");
      sayNumber(first);
      endLine();
    }
    this.deployment.progress(first, count);
    if (first == count) this.startVerify();
  }

  private takeChunk(data: usize, bytes: u32): void {
    const index = this.fetch.next;
    if (!this.slot.writer.chunkHolds(index, data, bytes)) return this.wrongPiece(ErrorCode.ChunkMismatch);
    this.wrongChunks = 0;
    const code = this.slot.writer.programChunk(this.slot.target(), index, data, bytes);
    if (code != ErrorCode.None) return this.fail(code);
    this.slot.sealAfter(index);
    this.fetch.advance();
    this.deployment.progress(this.fetch.next, this.manifest.header.chunkCount);
    if (this.fetch.isDone()) this.startVerify();
  }

  private startVerify(): void {
    this.phase = Phase.Verify;
    if (!this.isReused) this.deployment.enter(DeploymentState.Verifying);
    // From flash, header and all: what was received no longer counts.
    let code = this.slot.readBack();
    if (code == ErrorCode.None) code = this.inSlot.checkSignature(this.trust);
    if (code != ErrorCode.None) return this.verifyFailed(code);
    this.check.begin(this.inSlot, this.slot.target());
  }

  private verifySome(nowUs: i64): i64 {
    for (let i: u32 = 0; i < CHECKS_PER_RUN && !this.check.done(); i++) {
      const code = this.check.step();
      if (code != ErrorCode.None) {
        this.verifyFailed(code == ErrorCode.ChunkMismatch ? ErrorCode.ReadBackMismatch : code);
        return this.isOver() ? NEVER_US : nowUs;
      }
    }
    if (!this.check.done()) return nowUs;
    if (!this.boot.makeCandidate(this.manifest.digest.dataStart, this.manifest.header.tries)) {
      this.fail(ErrorCode.FlashFailed);
      return NEVER_US;
    }
    say("installed ");
    sayHex(this.manifest.digest.dataStart, 8);
    endLine();
    this.deployment.enter(DeploymentState.Installed);
    this.phase = Phase.Farewell;
    this.farewellUs = nowUs + FAREWELL_US;
    return nowUs;
  }

  /** What lay in the slot already has gone bad, and is fetched; what was fetched just now is not tried again. */
  private verifyFailed(code: i32): void {
    if (!this.isReused && !this.isTakenUp) return this.fail(code);
    this.isReused = false;
    this.isTakenUp = false;
    this.startTable();
  }

  private isOver(): bool {
    return this.phase == Phase.Idle;
  }

  private reject(code: i32): void {
    say("update rejected, code ");
    sayNumber(code);
    endLine();
    this.phase = Phase.Idle;
    this.deployment.enter(DeploymentState.Rejected, code);
  }

  private fail(code: i32): void {
    say("update failed, code ");
    sayNumber(code);
    endLine();
    this.phase = Phase.Idle;
    this.deployment.enter(DeploymentState.Failed, code);
  }
}
