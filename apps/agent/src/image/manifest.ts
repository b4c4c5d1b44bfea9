// The manifest of an image (header and signature block), and whether this device may run what it describes. Boot loader
// and agent decide with the same code, in the order of docs/protocol.md, "Check-in and offer".

import { compareBytes } from "../compare";
import { sha256 } from "../crypto";
import { Evidence } from "../evidence";
import {
  DIGEST_BYTES,
  ErrorCode,
  fitsSlot,
  ImageHeader,
  parseImageHeader,
  parseSignatureBlock,
  PREFIX_IMAGE,
  SLOT_MANIFEST_BYTES_MAX,
} from "../format";
import { hardwareBytes, hardwarePtr, hardwareRevision, productBytes, productPtr } from "../identity/factory";
import { asciiBytes } from "../text/constant";
import { checkSignatures } from "../trust/signatures";
import { TrustChain } from "../trust/trust-chain";
import { FlashZone } from "../flash";
import { ImageHost } from "./image-host";

const imagePrefix: usize = asciiBytes(PREFIX_IMAGE);

export class Manifest {
  readonly bytes: Uint8Array = new Uint8Array(SLOT_MANIFEST_BYTES_MAX);
  readonly header: ImageHeader = new ImageHeader();
  readonly digest: Uint8Array = new Uint8Array(DIGEST_BYTES);
  signatureBlockBytes: i32 = 0;
  /** Of the signature that is, or was, looked at. */
  readonly evidence: Evidence = new Evidence();

  /** Reads from the start of a slot; the form is checked, nothing else. An ErrorCode. */
  readSlot(slot: FlashZone): i32 {
    if (slot.read(0, this.bytes.dataStart, SLOT_MANIFEST_BYTES_MAX) < 0) return ErrorCode.FlashFailed;
    return this.parse(SLOT_MANIFEST_BYTES_MAX);
  }

  /** Parses what is in `bytes`, of which `available` count. An ErrorCode. */
  parse(available: i32): i32 {
    const code = parseImageHeader(this.bytes, 0, available, this.header);
    if (code != ErrorCode.None) return code;
    const block = parseSignatureBlock(this.bytes, this.header.headerBytes, available - this.header.headerBytes);
    if (block < 0) return -block;
    this.signatureBlockBytes = block;
    sha256(this.bytes.dataStart, this.header.headerBytes, this.digest.dataStart);
    return ErrorCode.None;
  }

  /** 0 when as many release keys signed the header as have to. */
  lacking(): u32 {
    return this.evidence.lacking(1);
  }

  manifestBytes(): u32 {
    return this.header.headerBytes + this.signatureBlockBytes;
  }

  /** An ErrorCode: None when as many release keys signed the header as the trust record wants. */
  checkSignature(trust: TrustChain): i32 {
    this.evidence.begin();
    return checkSignatures(
      imagePrefix,
      PREFIX_IMAGE.length,
      this.bytes.dataStart,
      this.header.headerBytes,
      this.bytes,
      this.header.headerBytes,
      trust.releaseKeys,
      trust.releaseKeyCount,
      trust.releaseThreshold,
      this.evidence,
    );
  }

  /**
   * Whether it is for this product, hardware and host, loader and trust are new enough, and it fits window and slot.
   */
  checkDevice(trust: TrustChain, slot: FlashZone, host: ImageHost): i32 {
    const h = this.header;
    const at = this.bytes.dataStart;
    if (<u32>h.productBytes != productBytes() || compareBytes(at + h.productOffset, productPtr(), h.productBytes) != 0)
      return ErrorCode.ProductMismatch;
    if (
      <u32>h.hardwareBytes != hardwareBytes() ||
      compareBytes(at + h.hardwareOffset, hardwarePtr(), h.hardwareBytes) != 0
    )
      return ErrorCode.HardwareMismatch;
    const revision = hardwareRevision();
    if (revision < h.hardwareRevisionMin || revision > h.hardwareRevisionMax) return ErrorCode.HardwareMismatch;
    if (h.imageType != host.imageType) return ErrorCode.HardwareMismatch;
    if (h.loaderVersionMin > host.loaderVersion) return ErrorCode.LoaderTooOld;
    if (h.trustVersionMin > trust.trustVersion) return ErrorCode.TrustTooOld;
    if (!fitsSlot(h.payloadBytes, h.chunkCount, slot.sectorBytes, slot.sizeBytes)) return ErrorCode.ImageTooLarge;
    const windowBytes = host.windowBytes;
    if (h.payloadBytes > windowBytes) return ErrorCode.ImageTooLarge;
    // The window is below 2^32 and the payload fits it, so the differences can't wrap once the lower bound holds.
    if (h.loadAddress < host.windowAddress || h.loadAddress - host.windowAddress > windowBytes - h.payloadBytes)
      return ErrorCode.LoadAddressRefused;
    if (h.entryAddress < h.loadAddress || h.entryAddress - h.loadAddress >= h.payloadBytes || (h.entryAddress & 3) != 0)
      return ErrorCode.LoadAddressRefused;
    return ErrorCode.None;
  }
}
