// Whether an offered image may be installed on this device: everything that is decided before a byte of it is fetched.

import { compareBytes } from "../compare";
import { BootState } from "../boot-state";
import { chunkTableBytes, DIGEST_BYTES, ErrorCode, imageFileBytes, SlotState } from "../format";
import { Manifest } from "../image/manifest";
import { JsonReader } from "../json/reader";
import { TrustStore } from "../trust/trust-store";
import { Journal } from "./journal";
import { permitHolds } from "./permit";
import { TABLE_BYTES_MAX } from "./sealed-slot";

const PERMIT_BYTES_MAX: i32 = 1024;

export class OfferCheck {
  /** Of the offer that was judged last: how long the device may take. */
  deadlineMs: u32 = 0;
  private permit: Uint8Array = new Uint8Array(PERMIT_BYTES_MAX);

  /** Header and signatures of an offer go into `manifest`. */
  constructor(
    private boot: BootState,
    private trust: TrustStore,
    private journal: Journal,
    private reader: JsonReader,
    private manifest: Manifest,
  ) {}

  /** Judges the offer in the reader, in the order of docs/protocol.md. An ErrorCode. */
  judge(): i32 {
    const reader = this.reader;
    const manifest = this.manifest;
    const boot = this.boot;
    const sizeBytes = reader.u32("sizeBytes");
    this.deadlineMs = reader.u32("deadlineMs");
    const bytes = manifest.bytes;
    const headerBytes = reader.base64url("header", bytes.dataStart, bytes.length);
    if (headerBytes < 0) return ErrorCode.OfferMalformed;
    const blockBytes = reader.base64url("signatures", bytes.dataStart + headerBytes, bytes.length - headerBytes);
    if (blockBytes < 0 || reader.error != 0) return ErrorCode.OfferMalformed;
    let code = manifest.parse(headerBytes + blockBytes);
    if (code != ErrorCode.None) return code;
    if (manifest.header.headerBytes != headerBytes || manifest.signatureBlockBytes != blockBytes)
      return ErrorCode.OfferMalformed;
    code = manifest.checkSignature(this.trust);
    if (code != ErrorCode.None) return code;
    code = manifest.checkDevice(this.trust, boot.slot(boot.otherSlot()), boot.host);
    if (code != ErrorCode.None) return code;
    const header = manifest.header;
    if (chunkTableBytes(header.chunkCount) > TABLE_BYTES_MAX) return ErrorCode.ImageTooLarge;
    const expectedBytes = imageFileBytes(headerBytes, blockBytes, header.chunkCount, header.payloadBytes);
    if (sizeBytes < expectedBytes) return ErrorCode.ImageTruncated;
    if (sizeBytes > expectedBytes) return ErrorCode.ImageTrailingBytes;
    if (header.securityCounter < boot.floor()) return ErrorCode.SecurityCounterTooLow;
    if (this.runsAlready()) return ErrorCode.None;
    // The other slot's confirmed image is no downgrade of the kind that needs a permit; nor is one that was accepted
    // before power failed, which may have been that image.
    const isOther = this.isConfirmedInOtherSlot();
    const wasAccepted = this.journal.isFor(manifest.digest.dataStart, boot.otherSlot());
    if (!isOther && !wasAccepted && header.releaseSequence < boot.running.header.releaseSequence)
      return this.checkPermit();
    return ErrorCode.None;
  }

  runsAlready(): bool {
    return compareBytes(this.manifest.digest.dataStart, this.boot.running.digest.dataStart, DIGEST_BYTES) == 0;
  }

  isConfirmedInOtherSlot(): bool {
    return (
      this.boot.otherState() == SlotState.Confirmed &&
      compareBytes(this.manifest.digest.dataStart, this.boot.otherDigest(), DIGEST_BYTES) == 0
    );
  }

  private checkPermit(): i32 {
    if (!this.reader.has("permit")) return ErrorCode.ReleaseSequenceTooLow;
    const length = this.reader.base64url("permit", this.permit.dataStart, PERMIT_BYTES_MAX);
    if (length < 0) return ErrorCode.PermitInvalid;
    return permitHolds(this.permit, length, this.manifest.digest.dataStart, this.trust)
      ? ErrorCode.None
      : ErrorCode.PermitInvalid;
  }
}
