// Where the deployment stands that this device has taken up: what `state` messages and check-ins say of it.

import { compareBytes } from "../compare";
import { sayBytes, sayText } from "../console";
import { DeploymentState, ErrorCode, isFinal, mayFollow } from "../format";
import { DEPLOYMENT_ID_BYTES_MAX } from "./journal";

/** Progress is told after so many chunks, or when the state changes. */
const CHUNKS_A_REPORT: u32 = 16;

export class Deployment {
  readonly id: usize = heap.alloc(DEPLOYMENT_ID_BYTES_MAX);
  idBytes: u32 = 0;
  attempt: u32 = 0;
  state: i32 = DeploymentState.Queued;
  code: i32 = ErrorCode.None;
  done: u32 = 0;
  total: u32 = 0;
  /** How long the download is put off, from when `state` said so; 0: it is not. */
  waitMs: u32 = 0;
  /** Something changed that the server was not told. */
  dirty: bool = false;
  private reported: u32 = 0;

  exists(): bool {
    return this.idBytes != 0;
  }

  isThis(id: usize, idBytes: u32, attempt: u32): bool {
    return this.idBytes == idBytes && this.attempt == attempt && compareBytes(this.id, id, idBytes) == 0;
  }

  isOver(): bool {
    return isFinal(this.state);
  }

  take(id: usize, idBytes: u32, attempt: u32): void {
    memory.copy(this.id, id, idBytes);
    this.idBytes = idBytes;
    this.attempt = attempt;
    this.code = ErrorCode.None;
    this.done = 0;
    this.total = 0;
    this.waitMs = 0;
    this.reported = 0;
    this.state = DeploymentState.Offered;
    // That is the server's own word, which hears of it when there is more to say.
    this.dirty = false;
  }

  /** Goes on with a line of the console: one id leads from the operator's click to it. */
  sayId(): void {
    if (!this.exists()) return;
    sayText(", deployment ");
    sayBytes(this.id, this.idBytes);
  }

  /** Goes where the transition table allows; anything else is ignored. */
  enter(state: i32, code: i32 = ErrorCode.None): void {
    if (!mayFollow(this.state, state)) return;
    this.state = state;
    this.code = code;
    this.dirty = true;
  }

  /** It is downloading, in a while (begin-budget.ts). */
  putOff(waitMs: u32): void {
    this.enter(DeploymentState.Downloading, ErrorCode.UpdatePutOff);
    this.waitMs = waitMs;
  }

  progress(done: u32, total: u32): void {
    this.done = done;
    this.total = total;
    if (this.waitMs != 0) {
      this.waitMs = 0;
      this.code = ErrorCode.None;
      this.dirty = true;
    }
    if (done == total || done >= this.reported + CHUNKS_A_REPORT) {
      this.reported = done;
      this.dirty = true;
    }
  }
}

/** As messages spell it (packages/image-format, state-names.ts). */
export function deploymentStateName(state: i32): string {
  switch (state) {
    case DeploymentState.Offered:
      return "offered";
    case DeploymentState.Downloading:
      return "downloading";
    case DeploymentState.Verifying:
      return "verifying";
    case DeploymentState.Installed:
      return "installed";
    case DeploymentState.Rebooting:
      return "rebooting";
    case DeploymentState.Testing:
      return "testing";
    case DeploymentState.Confirmed:
      return "confirmed";
    case DeploymentState.Failed:
      return "failed";
    case DeploymentState.RolledBack:
      return "rolled-back";
    case DeploymentState.Rejected:
      return "rejected";
    default:
      return "queued";
  }
}
