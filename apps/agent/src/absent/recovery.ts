// In place of boot/recovery.ts in a loader without recovery (build/features.ts): nothing is heard on the serial line. A
// device that has nothing to start goes on looking at its images now and then, as it does beside an open line.

import { ImageReceiver } from "../boot/image-receiver";
import { RecoveryReason } from "../format";

export class RecoveryState {
  reason: u32 = RecoveryReason.None;
  codeA: u32 = 0;
  codeB: u32 = 0;
  target: u32 = 0;
  floor: u32 = 0;
}

export class RecoveryLine {
  // biome-ignore lint/complexity/noUselessConstructor: the loader hands it both
  constructor(_receiver: ImageReceiver, _state: RecoveryState) {}

  busy(): bool {
    return false;
  }

  step(_nowUs: i64): i32 {
    return 0;
  }
}
