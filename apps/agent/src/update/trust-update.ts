// A new trust chain from the server: whether this device takes it, in the order of docs/protocol.md, "Trust".

import { compareBytes } from "../compare";
import { BootState } from "../boot-state";
import { endLine, say, sayNumber } from "../console";
import { ErrorCode, SlotState, TRUST_CHAIN_BYTES_MAX, trustChainExtends } from "../format";
import { Manifest } from "../image/manifest";
import { UpdateTask } from "./update";
import { TrustChain } from "../trust/trust-chain";
import { TrustStore } from "../trust/trust-store";

/** The first boot loader that counts signatures of releases. */
const LOADER_WITH_THRESHOLDS: u32 = 2;

export class TrustUpdate {
  /** The last chain that this boot refused: its version (0: its form did not hold) and why. None while none was. */
  refusedVersion: u32 = 0;
  refusedCode: i32 = ErrorCode.None;
  private incoming: TrustChain = new TrustChain();

  /** `scratch`: for the other slot's manifest; its content is lost. */
  constructor(
    private boot: BootState,
    private trust: TrustStore,
    private update: UpdateTask,
    private scratch: Manifest,
  ) {}

  /** A message on `trust` of a proven session. True when the server is to hear what came of it. */
  onMessage(ptr: usize, length: u32): bool {
    // A trial is not over, or a candidate was verified by the present keys: later. The server sends it again.
    if (this.boot.trial || this.boot.inContactFallback() || this.update.isInstalling()) return false;
    // Flash has failed under this run: what a new chain would have to go on from can't be read.
    if (this.trust.chainBytes == 0) return false;
    if (length > <u32>TRUST_CHAIN_BYTES_MAX) return this.refuse(0, ErrorCode.TrustRecordInvalid);
    const incoming = this.incoming;
    const trust = this.trust;
    memory.copy(incoming.bytes.dataStart, ptr, length);
    // it is the present one
    if (length == trust.chainBytes && compareBytes(ptr, trust.bytes.dataStart, length) == 0) return true;
    if (incoming.check(length) != ErrorCode.None || incoming.chainBytes != length)
      return this.refuse(0, ErrorCode.TrustRecordInvalid);
    const version = incoming.trustVersion;
    if (version <= trust.trustVersion) return this.refuse(version, ErrorCode.TrustNotNewer);
    if (!trustChainExtends(incoming.bytes, trust.bytes)) return this.refuse(version, ErrorCode.TrustForked);
    // To a loader that knows of no threshold this record would be none: nothing would start any more.
    if (incoming.releaseThreshold > 1 && this.boot.host.loaderVersion < LOADER_WITH_THRESHOLDS)
      return this.refuse(version, ErrorCode.LoaderTooOld);
    // No trial is on, so the running image is the confirmed one; the other slot's may not be what the log says.
    if (this.boot.running.checkSignature(incoming) != ErrorCode.None)
      return this.refuse(version, ErrorCode.TrustWouldRefuseImage);
    const losesOther = this.otherIsAdmitted(trust) && !this.otherIsAdmitted(incoming);
    if (!trust.replace(this.boot.log, incoming)) return this.refuse(version, ErrorCode.FlashFailed);
    // A later one that was refused because of the running image still is.
    if (this.refusedVersion <= version) this.refusedCode = ErrorCode.None;
    say("trust record ");
    sayNumber(version);
    endLine();
    if (losesOther) {
      say("the other slot's image is signed by none of its release keys: no fallback");
      endLine();
    }
    return true;
  }

  private otherIsAdmitted(chain: TrustChain): bool {
    if (this.boot.otherState() != SlotState.Confirmed) return false;
    return (
      this.scratch.readSlot(this.boot.slot(this.boot.otherSlot())) == ErrorCode.None &&
      this.scratch.checkSignature(chain) == ErrorCode.None
    );
  }

  private refuse(version: u32, code: i32): bool {
    say("trust record refused, code ");
    sayNumber(code);
    endLine();
    this.refusedVersion = version;
    this.refusedCode = code;
    return true;
  }
}
