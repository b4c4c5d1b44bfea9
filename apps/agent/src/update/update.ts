// The update agent: offer → table → chunk by chunk (verify, program, read back, seal each sector) → verify the whole
// image from flash → candidate → reset. Order and reasons: docs/architecture.md, "Update".

import { compareBytes } from "../compare";
import { BootState } from "../agent/boot-state";
import { Leaf, Mailbox } from "../agent/mailbox";
import { endLine, say, sayHex, sayNumber } from "../console";
import { sha256 } from "../crypto";
import { imageWindow, reset, ResetReason } from "../exokernel";
import { FlashZone } from "../flash";
import {
  CHUNK_BYTES_MAX,
  CHUNK_MESSAGE_MAGIC,
  CHUNK_MESSAGE_PREFIX_BYTES,
  CHUNK_PART_PAYLOAD,
  CHUNK_PART_TABLE,
  CHUNK_TABLE_PIECE_BYTES,
  chunkLength,
  chunkTableBytes,
  DeploymentState,
  DIGEST_BYTES,
  ErrorCode,
  FETCH_WINDOW_MAX,
  imageFileBytes,
  SLOT_TABLE_OFFSET,
  slotPayloadOffset,
  SlotState,
} from "../format";
import { Manifest } from "../image/manifest";
import { PayloadCheck } from "../image/payload-check";
import { JsonReader } from "../json/reader";
import { NEVER_US, Task } from "../scheduler/scheduler";
import { Session } from "../session/session";
import { TrustStore } from "../trust/trust-store";
import { Deployment } from "./deployment";
import { DEPLOYMENT_ID_BYTES_MAX, Journal } from "./journal";
import { permitHolds } from "./permit";

/** The longest chunk table: 1024 chunks, a slot of 4 MiB. */
const TABLE_BYTES_MAX: u32 = 32768;
const PERMIT_BYTES_MAX: i32 = 1024;
/** What didn't come by then is asked for again. */
const FETCH_TIMEOUT_US: i64 = 2_000_000;
/** How long the server may be told of `rebooting` before the reset. */
const FAREWELL_US: i64 = 500_000;
const WRONG_CHUNKS_MAX: u32 = 3;
const CHECKS_PER_RUN: u32 = 4;
/** Header, signatures and table lie before the payload, from the slot's first sector on; one seal stands for them all. */
const MANIFEST_SECTOR: u32 = 0;

namespace Phase {
  export const Idle: i32 = 0;
  export const Table: i32 = 1;
  export const Payload: i32 = 2;
  export const Verify: i32 = 3;
  export const Farewell: i32 = 4;
}

const table: usize = heap.alloc(TABLE_BYTES_MAX);
const page: usize = heap.alloc(CHUNK_BYTES_MAX);
const hash: usize = memory.data(32);
const offeredId: usize = memory.data(48);
const window: usize = memory.data(8, 4);

export class UpdateTask extends Task {
  readonly deployment: Deployment = new Deployment();
  private manifest: Manifest = new Manifest();
  private permit: Uint8Array = new Uint8Array(PERMIT_BYTES_MAX);
  private phase: i32 = Phase.Idle;
  private nowUs: i64 = 0;
  private deadlineUs: i64 = NEVER_US;
  private farewellUs: i64 = 0;
  /** Of the part that is fetched now: the next that is wanted, and the first that was not asked for. */
  private next: u32 = 0;
  private asked: u32 = 0;
  private askedUs: i64 = 0;
  private wrongChunks: u32 = 0;
  /** The image was in the other slot already. */
  private isReused: bool = false;
  /** No offer is taken up: a command is under way (command/commands.ts). */
  held: bool = false;

  /** `inSlot`: what is read back from the slot; `check` works on it. */
  constructor(
    private boot: BootState, private trust: TrustStore, private journal: Journal, private mailbox: Mailbox, private session: Session,
    private reader: JsonReader, private inSlot: Manifest, private check: PayloadCheck,
  ) {
    super();
  }

  /** What the journal remembers of the deployment that this boot came from. */
  recall(): void {
    const journal = this.journal;
    if (!journal.begun) return;
    const d = this.deployment;
    d.take(journal.deploymentId, journal.deploymentIdBytes, journal.attempt);
    d.dirty = false;
    const boot = this.boot;
    if (compareBytes(journal.digest, boot.running.digest.dataStart, DIGEST_BYTES) == 0) {
      d.enter(boot.trial ? DeploymentState.Testing : DeploymentState.Confirmed);
    } else if (boot.otherState() == SlotState.Failed && compareBytes(journal.digest, boot.otherDigest(), DIGEST_BYTES) == 0) {
      d.enter(DeploymentState.RolledBack, boot.otherReason());
    } else if (boot.otherState() == SlotState.Candidate && boot.inContactFallback()) {
      d.enter(DeploymentState.Testing);
    } else {
      // It was being downloaded; the next offer takes it up where the seals say.
      d.idBytes = 0;
    }
  }

  isBusy(): bool {
    return this.phase != Phase.Idle;
  }

  remainingWork(): u32 {
    if (this.phase == Phase.Idle) return 0;
    return this.manifest.header.payloadBytes - min(this.manifest.header.payloadBytes, this.next * this.manifest.header.chunkBytes);
  }

  /** An image was verified, or is being verified, by the present release keys, and the reset into it has not come. */
  isInstalling(): bool {
    return this.phase >= Phase.Verify;
  }

  // ---- offers ------------------------------------------------------------------------------------------------------

  /** A message on `offer` of this session, in the reader. */
  onOffer(nowUs: i64): void {
    this.nowUs = nowUs;
    const reader = this.reader;
    if (!reader.has("deployment")) {
      if (this.phase == Phase.Table || this.phase == Phase.Payload) {
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
      // Known already. Say again where it stands: the server may have missed it.
      if (d.isOver()) d.dirty = true;
      else if (this.phase <= Phase.Payload) this.asked = this.next;
      this.wake();
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

  /** Decides whether the offered image may be installed, in the order of docs/protocol.md, and begins. An ErrorCode. */
  private accept(): i32 {
    const reader = this.reader;
    const manifest = this.manifest;
    const boot = this.boot;
    this.phase = Phase.Idle;
    const sizeBytes = reader.u32("sizeBytes");
    const deadlineMs = reader.u32("deadlineMs");
    const bytes = manifest.bytes;
    const headerBytes = reader.base64url("header", bytes.dataStart, bytes.length);
    if (headerBytes < 0) return ErrorCode.OfferMalformed;
    const blockBytes = reader.base64url("signatures", bytes.dataStart + headerBytes, bytes.length - headerBytes);
    if (blockBytes < 0 || reader.error != 0) return ErrorCode.OfferMalformed;
    let code = manifest.parse(headerBytes + blockBytes);
    if (code != ErrorCode.None) return code;
    if (manifest.header.headerBytes != headerBytes || manifest.signatureBlockBytes != blockBytes) return ErrorCode.OfferMalformed;
    code = manifest.checkSignature(this.trust);
    if (code != ErrorCode.None) return code;
    const slot = this.targetSlot();
    imageWindow(window);
    code = manifest.checkDevice(this.trust, slot, load<u32>(window), load<u32>(window, 4));
    if (code != ErrorCode.None) return code;
    const header = manifest.header;
    if (chunkTableBytes(header.chunkCount) > TABLE_BYTES_MAX) return ErrorCode.ImageTooLarge;
    const expectedBytes = imageFileBytes(headerBytes, blockBytes, header.chunkCount, header.payloadBytes);
    if (sizeBytes < expectedBytes) return ErrorCode.ImageTruncated;
    if (sizeBytes > expectedBytes) return ErrorCode.ImageTrailingBytes;
    if (header.securityCounter < boot.floor()) return ErrorCode.SecurityCounterTooLow;
    if (compareBytes(manifest.digest.dataStart, boot.running.digest.dataStart, DIGEST_BYTES) == 0) {
      this.deployment.enter(DeploymentState.Confirmed); // it runs already, and is confirmed (a trial takes no offers)
      return ErrorCode.None;
    }
    // The other slot's confirmed image is no downgrade of the kind that needs a permit; nor is one that was accepted before
    // power failed, which may have been that image.
    const isOther = this.isConfirmedInOtherSlot();
    const wasAccepted = this.journal.isFor(manifest.digest.dataStart, boot.otherSlot());
    if (!isOther && !wasAccepted && header.releaseSequence < boot.running.header.releaseSequence) {
      code = this.checkPermit();
      if (code != ErrorCode.None) return code;
    }
    this.deadlineUs = this.nowUs + <i64>deadlineMs * 1000;
    this.wrongChunks = 0;
    this.isReused = false;
    return this.beginDownload();
  }

  private checkPermit(): i32 {
    if (!this.reader.has("permit")) return ErrorCode.ReleaseSequenceTooLow;
    const length = this.reader.base64url("permit", this.permit.dataStart, PERMIT_BYTES_MAX);
    if (length < 0) return ErrorCode.PermitInvalid;
    return permitHolds(this.permit, length, this.manifest.digest.dataStart, this.trust) ? ErrorCode.None : ErrorCode.PermitInvalid;
  }

  private targetSlot(): FlashZone {
    return this.boot.slot(this.boot.otherSlot());
  }

  private isConfirmedInOtherSlot(): bool {
    return this.boot.otherState() == SlotState.Confirmed && compareBytes(this.manifest.digest.dataStart, this.boot.otherDigest(), DIGEST_BYTES) == 0;
  }

  private beginDownload(): i32 {
    const digest = this.manifest.digest.dataStart;
    const d = this.deployment;
    say("update accepted ");
    sayHex(digest, 8);
    endLine();
    // Going back: the image is there already, and is verified from flash like one that has just come.
    if (this.isConfirmedInOtherSlot() && this.journal.begin(digest, this.boot.otherSlot(), d.id, d.idBytes, d.attempt)) {
      this.isReused = true;
      this.next = this.manifest.header.chunkCount;
      this.startVerify();
      return ErrorCode.None;
    }
    if (this.journal.isFor(digest, this.boot.otherSlot()) && this.journal.resume(d.id, d.idBytes, d.attempt) && this.tableFromSlot()) {
      this.startPayload();
      return ErrorCode.None;
    }
    this.startTable();
    return ErrorCode.None;
  }

  private startTable(): void {
    this.phase = Phase.Table;
    this.next = 0;
    this.asked = 0;
    this.deployment.enter(DeploymentState.Downloading);
    this.deployment.progress(0, this.manifest.header.chunkCount);
    this.wake();
  }

  /**
   * After a power cut the table may be in the slot already: taken only if it is the one that was signed, and sealed. Bits
   * that power failed at may read well now, and no more when the boot loader looks.
   */
  private tableFromSlot(): bool {
    if (!this.journal.isSealed(MANIFEST_SECTOR)) return false;
    const header = this.manifest.header;
    const slot = this.targetSlot();
    if (this.inSlot.readSlot(slot) != ErrorCode.None) return false;
    if (compareBytes(this.inSlot.digest.dataStart, this.manifest.digest.dataStart, DIGEST_BYTES) != 0) return false;
    if (slot.read(SLOT_TABLE_OFFSET, table, chunkTableBytes(header.chunkCount)) < 0) return false;
    return this.tableHolds();
  }

  private tableHolds(): bool {
    const manifest = this.manifest;
    sha256(table, chunkTableBytes(manifest.header.chunkCount), hash);
    return compareBytes(hash, manifest.bytes.dataStart + manifest.header.tableDigestOffset, DIGEST_BYTES) == 0;
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
    if (nowUs >= this.deadlineUs) {
      this.fail(ErrorCode.DownloadTimedOut);
      return NEVER_US;
    }
    if (this.phase == Phase.Verify) return this.verifySome(nowUs);
    return this.fetchSome(nowUs);
  }

  private partCount(): u32 {
    const header = this.manifest.header;
    if (this.phase == Phase.Payload) return header.chunkCount;
    return (chunkTableBytes(header.chunkCount) + CHUNK_TABLE_PIECE_BYTES - 1) / CHUNK_TABLE_PIECE_BYTES;
  }

  /** Keeps a window of requests open: a new one when half of the last has come, the same again when nothing came. */
  private fetchSome(nowUs: i64): i64 {
    if (!this.session.proven) return nowUs + FETCH_TIMEOUT_US;
    if (this.asked > this.next && nowUs - this.askedUs >= FETCH_TIMEOUT_US) this.asked = this.next;
    const count = min(FETCH_WINDOW_MAX, this.partCount() - this.asked);
    if (count > 0 && this.asked - this.next <= FETCH_WINDOW_MAX / 2) {
      if (!this.mailbox.begin(Leaf.Fetch, 256, 0)) return nowUs + 50_000;
      const json = this.mailbox.json;
      this.session.writeId();
      json.key("deployment");
      json.string(this.deployment.id, this.deployment.idBytes);
      json.key("attempt");
      json.u32(this.deployment.attempt);
      json.key("part");
      json.u32(this.phase == Phase.Payload ? CHUNK_PART_PAYLOAD : CHUNK_PART_TABLE);
      json.key("first");
      json.u32(this.asked);
      json.key("count");
      json.u32(count);
      if (this.mailbox.send() < 0) return nowUs + 50_000;
      this.asked += count;
      this.askedUs = nowUs;
    }
    return min(this.askedUs + FETCH_TIMEOUT_US, this.deadlineUs);
  }

  /** A new session: what was asked for in the last one will not come. */
  onSessionProven(): void {
    this.asked = this.next;
    this.wake();
  }

  /** A message on `chunk`. Anything that was not asked for is ignored: a late or repeated answer does no harm. */
  onChunk(ptr: usize, length: u32, nowUs: i64): void {
    this.nowUs = nowUs;
    if (this.phase != Phase.Table && this.phase != Phase.Payload) return;
    if (length < <u32>CHUNK_MESSAGE_PREFIX_BYTES || load<u32>(ptr) != CHUNK_MESSAGE_MAGIC) return;
    const part = <u32>load<u8>(ptr, 8);
    if (load<u32>(ptr, 4) != this.deployment.attempt || compareBytes(ptr + 9, this.manifest.digest.dataStart, 3) != 0) return;
    if (part != (this.phase == Phase.Payload ? CHUNK_PART_PAYLOAD : CHUNK_PART_TABLE) || load<u32>(ptr, 12) != this.next) return;
    const data = ptr + CHUNK_MESSAGE_PREFIX_BYTES;
    const dataBytes = length - CHUNK_MESSAGE_PREFIX_BYTES;
    this.askedUs = nowUs;
    if (part == CHUNK_PART_TABLE) this.takeTablePiece(data, dataBytes);
    else this.takeChunk(data, dataBytes);
    this.wake();
  }

  private takeTablePiece(data: usize, bytes: u32): void {
    const total = chunkTableBytes(this.manifest.header.chunkCount);
    const offset = this.next * CHUNK_TABLE_PIECE_BYTES;
    if (bytes != min(CHUNK_TABLE_PIECE_BYTES, total - offset)) return this.wrongPiece(ErrorCode.ChunkTableMismatch);
    memory.copy(table + offset, data, bytes);
    this.next++;
    if (this.next < this.partCount()) return;
    if (!this.tableHolds()) {
      this.next = 0;
      return this.wrongPiece(ErrorCode.ChunkTableMismatch);
    }
    const code = this.storeManifest();
    if (code != ErrorCode.None) return this.fail(code);
    this.startPayload();
  }

  /** A piece that is not what was signed: asked for again, refused the third time in a row. */
  private wrongPiece(code: i32): void {
    this.asked = this.next;
    if (++this.wrongChunks >= WRONG_CHUNKS_MAX) this.reject(code);
  }

  /** Everything is verified before anything is stored: now header, signatures and table may go into the slot. */
  private storeManifest(): i32 {
    const manifest = this.manifest;
    const slot = this.targetSlot();
    const d = this.deployment;
    // The journal first: after a cut between the two it says that this image was accepted, which the slot's state may
    // have been the reason for.
    if (!this.journal.begin(manifest.digest.dataStart, this.boot.otherSlot(), d.id, d.idBytes, d.attempt)) return ErrorCode.FlashFailed;
    if (!this.boot.emptyOtherSlot()) return ErrorCode.FlashFailed;
    const payloadOffset = slotPayloadOffset(manifest.header.chunkCount, slot.sectorBytes);
    for (let at: u32 = 0; at < payloadOffset; at += slot.sectorBytes) if (slot.erase(at) < 0) return ErrorCode.FlashFailed;
    const padded = (manifest.manifestBytes() + 3) & ~3;
    if (slot.program(0, manifest.bytes.dataStart, padded) < 0) return ErrorCode.FlashFailed;
    if (slot.program(SLOT_TABLE_OFFSET, table, chunkTableBytes(manifest.header.chunkCount)) < 0) return ErrorCode.FlashFailed;
    // Without the seal, a power cut costs the whole download again, and nothing else.
    this.journal.seal(MANIFEST_SECTOR);
    return ErrorCode.None;
  }

  private startPayload(): void {
    this.phase = Phase.Payload;
    this.next = 0;
    this.wrongChunks = 0;
    this.deployment.enter(DeploymentState.Downloading);
    this.skipSealed();
    this.asked = this.next;
    if (this.next > 0) {
      say("download goes on at chunk ");
      sayNumber(this.next);
      endLine();
    }
    this.deployment.progress(this.next, this.manifest.header.chunkCount);
    if (this.next == this.manifest.header.chunkCount) this.startVerify();
  }

  private sectorOf(chunk: u32): u32 {
    const header = this.manifest.header;
    const sectorBytes = this.targetSlot().sectorBytes;
    return (slotPayloadOffset(header.chunkCount, sectorBytes) + chunk * header.chunkBytes) / sectorBytes;
  }

  /** Chunks at the start of a sector that is sealed need not come again. */
  private skipSealed(): void {
    const count = this.manifest.header.chunkCount;
    while (this.next < count && this.journal.isSealed(this.sectorOf(this.next))) this.next++;
  }

  private takeChunk(data: usize, bytes: u32): void {
    const header = this.manifest.header;
    const index = this.next;
    if (bytes != chunkLength(header, index)) return this.wrongPiece(ErrorCode.ChunkMismatch);
    sha256(data, bytes, hash);
    if (compareBytes(hash, table + index * DIGEST_BYTES, DIGEST_BYTES) != 0) return this.wrongPiece(ErrorCode.ChunkMismatch);
    this.wrongChunks = 0;
    const code = this.programChunk(index, data, bytes);
    if (code != ErrorCode.None) return this.fail(code);
    this.next++;
    if (this.asked < this.next) this.asked = this.next;
    const isLast = this.next == header.chunkCount;
    if (isLast || this.sectorOf(this.next) != this.sectorOf(index)) {
      if (!this.journal.seal(this.sectorOf(index))) {
        // The journal is full after many power cuts: without seals the download still ends, only a cut costs more.
        say("journal is full");
        endLine();
      }
      const before = this.next;
      this.skipSealed();
      if (this.next != before) this.asked = this.next;
    }
    this.deployment.progress(this.next, header.chunkCount);
    if (this.next == header.chunkCount) this.startVerify();
  }

  /** Programs one chunk and reads it back; the first of a sector erases it, whatever it held. */
  private programChunk(index: u32, data: usize, bytes: u32): i32 {
    const header = this.manifest.header;
    const slot = this.targetSlot();
    const at = slotPayloadOffset(header.chunkCount, slot.sectorBytes) + index * header.chunkBytes;
    if (at % slot.sectorBytes == 0 && slot.erase(at) < 0) return ErrorCode.FlashFailed;
    // A program is a multiple of 4 bytes; what pads the last chunk stays erased.
    const padded = (bytes + 3) & ~3;
    memory.fill(page, 0xff, padded);
    memory.copy(page, data, bytes);
    const result = slot.program(at, page, padded);
    return result == 0 ? ErrorCode.None : ErrorCode.FlashFailed;
  }

  private startVerify(): void {
    this.phase = Phase.Verify;
    if (!this.isReused) this.deployment.enter(DeploymentState.Verifying);
    // From flash, header and all: what was received no longer counts.
    const slot = this.targetSlot();
    let code = this.inSlot.readSlot(slot);
    if (code == ErrorCode.None && compareBytes(this.inSlot.digest.dataStart, this.manifest.digest.dataStart, DIGEST_BYTES) != 0) code = ErrorCode.ReadBackMismatch;
    if (code == ErrorCode.None) code = this.inSlot.checkSignature(this.trust);
    if (code != ErrorCode.None) return this.verifyFailed(code);
    this.check.begin(this.inSlot, slot);
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
    if (!this.isReused) return this.fail(code);
    this.isReused = false;
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
