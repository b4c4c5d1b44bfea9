// Back to the image in the other slot, as a command asks (docs/protocol.md, "Roll back"): only to one that is confirmed
// and that the boot loader would start. Its image is looked at as the loader looks at it, so that no device leaves an
// image that runs for one that does not.

import { BootState } from "../boot-state";
import { watchdogPet } from "../exokernel";
import { ErrorCode, SlotState } from "../format";
import { Manifest } from "../image/manifest";
import { PayloadCheck } from "../image/payload-check";
import { TrustStore } from "../trust/trust-store";

export class RollBack {
  /** `scratch`: for the other slot's manifest, whose content is lost; `check` works on it. */
  constructor(
    private boot: BootState,
    private trust: TrustStore,
    private scratch: Manifest,
    private check: PayloadCheck,
  ) {}

  /** Recorded, and done by the next reset: ErrorCode.None. RollBackImpossible, FlashFailed: nothing is changed. */
  begin(): i32 {
    const boot = this.boot;
    if (boot.otherState() != SlotState.Confirmed || !this.wouldStart()) return ErrorCode.RollBackImpossible;
    return boot.isRecorded() && boot.leaveForOther(ErrorCode.RolledBackByCommand)
      ? ErrorCode.None
      : ErrorCode.FlashFailed;
  }

  /** What boot.ts `loadOnce` asks, in its order. */
  private wouldStart(): bool {
    const slot = this.boot.slot(this.boot.otherSlot());
    const manifest = this.scratch;
    if (
      manifest.readSlot(slot) != ErrorCode.None ||
      manifest.checkSignature(this.trust) != ErrorCode.None ||
      manifest.checkDevice(this.trust, slot, this.boot.host) != ErrorCode.None ||
      manifest.header.securityCounter < this.boot.floor()
    )
      return false;
    this.check.begin(manifest, slot);
    while (!this.check.done()) {
      watchdogPet();
      if (this.check.step() != ErrorCode.None) return false;
    }
    return true;
  }
}
