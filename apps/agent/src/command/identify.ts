// The device makes itself known to whoever stands beside it: once a second on its console, and by whatever its app has
// for it (docs/protocol.md, "Commands").

import { endLine, say, sayBytes } from "../console";
import { appIdentify } from "../exokernel";
import { deviceIdBytes, deviceIdPtr } from "../identity/factory";
import { NEVER_US } from "../scheduler/scheduler";

const SECOND_US: i64 = 1_000_000;

export class Identify {
  private secondsLeft: u32 = 0;
  /** When the next line is due. */
  nextUs: i64 = NEVER_US;

  /** From now on; another one takes the first one's place. */
  begin(seconds: u32, nowUs: i64): void {
    this.secondsLeft = seconds;
    this.nextUs = nowUs;
    appIdentify(1);
  }

  advance(nowUs: i64): void {
    if (nowUs < this.nextUs) return;
    if (this.secondsLeft == 0) {
      this.nextUs = NEVER_US;
      appIdentify(0);
      return;
    }
    this.secondsLeft--;
    this.nextUs += SECOND_US;
    say("identify: this is ");
    sayBytes(deviceIdPtr(), deviceIdBytes());
    endLine();
  }
}
