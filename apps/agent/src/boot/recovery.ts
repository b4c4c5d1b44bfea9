// Recovery, the exchange: who asks is told what this device is and why it is here, and may send an image. One step at a
// time, so that a host without threads can run it. docs/boot-control.md, "Recovery".

import { endLine, say, sayNumber, sayText } from "../console";
import { Errno, reset, ResetReason } from "../exokernel";
import {
  ErrorCode,
  FRAME_ACKNOWLEDGED,
  FRAME_BEGIN,
  FRAME_DATA,
  FRAME_DONE,
  FRAME_HELLO,
  FRAME_INFO,
  FRAME_REFUSED,
  INFO_PREFIX_BYTES,
  RecoveryReason,
} from "../format";
import {
  deviceIdBytes,
  deviceIdPtr,
  hardwareBytes,
  hardwarePtr,
  hardwareRevision,
  productBytes,
  productPtr,
} from "../identity/factory";
import { ImageReceiver } from "./image-receiver";
import { SerialFrames } from "./serial-frames";

/** A transfer of which nothing was heard for so long is over. */
const SILENCE_US: i64 = 60_000_000;
/** And so is one that takes longer than this, whatever is heard. */
const TRANSFER_US: i64 = 3_600_000_000;
/** The last answer may have been lost: it is given again for so long before the reset. */
const LINGER_US: i64 = 2_000_000;

/** What the loader knows and a technician wants to know. */
export class RecoveryState {
  reason: u32 = RecoveryReason.None;
  codeA: u32 = 0;
  codeB: u32 = 0;
  /** That an image would go to. */
  target: u32 = 0;
  floor: u32 = 0;
}

export class RecoveryLine {
  private frames: SerialFrames = new SerialFrames();
  private begunUs: i64 = 0;
  private heardUs: i64 = 0;

  constructor(
    private receiver: ImageReceiver,
    private state: RecoveryState,
  ) {}

  /** A transfer is under way, or has changed what the next boot finds: nothing else may be tried now. */
  busy(): bool {
    return this.receiver.active || this.receiver.granted;
  }

  /** Does what came on the line, and ends what has taken too long. 1: more may be there; 0: not now; Errno.Absent. */
  step(nowUs: i64): i32 {
    const got = this.frames.poll();
    if (got == Errno.Absent) return got;
    if (got == 1) {
      this.heardUs = nowUs;
      this.answer(nowUs);
    }
    const receiver = this.receiver;
    if (receiver.done && nowUs - this.heardUs > LINGER_US) reset(ResetReason.Update);
    if (this.busy() && (nowUs - this.heardUs > SILENCE_US || nowUs - this.begunUs > TRANSFER_US)) {
      receiver.active = false;
      say("recovery: transfer abandoned");
      endLine();
      // What runs next is found out by a boot: in this run nothing can be started any more.
      if (receiver.granted) reset(ResetReason.Requested);
    }
    return this.frames.heard ? 1 : 0;
  }

  private answer(nowUs: i64): void {
    const frames = this.frames;
    const data = frames.data();
    if (frames.type == FRAME_HELLO && frames.dataBytes == 0) return this.sayWho();
    if (this.receiver.done) {
      store<u8>(frames.beginAnswer(FRAME_DONE), this.receiver.slot);
      return frames.sendAnswer(1);
    }
    if (frames.type == FRAME_BEGIN && frames.dataBytes == 4) return this.begin(load<u32>(data), nowUs);
    if (frames.type == FRAME_DATA && frames.dataBytes > 4) this.data(load<u32>(data), data + 4, frames.dataBytes - 4);
  }

  private begin(fileBytes: u32, nowUs: i64): void {
    const state = this.state;
    if (state.reason == RecoveryReason.NoTrustRecord) return this.refuse(ErrorCode.TrustRecordInvalid);
    if (state.reason == RecoveryReason.NoFactoryRecord || state.reason == RecoveryReason.FlashGeometry)
      return this.refuse(ErrorCode.FlashFailed);
    this.begunUs = nowUs;
    this.receiver.begin(state.target, fileBytes);
    say("recovery: an image of ");
    sayNumber(fileBytes);
    sayText(" bytes comes for slot ");
    sayText(state.target == 0 ? "a" : "b");
    endLine();
    this.acknowledge();
  }

  private data(offset: u32, ptr: usize, length: u32): void {
    const receiver = this.receiver;
    if (!receiver.active) return this.refuse(ErrorCode.DownloadTimedOut);
    // Another offset than the one that is wanted: a repeated frame, or one that a lost answer has misled.
    if (offset == receiver.next) {
      const code = receiver.take(ptr, length);
      if (code != ErrorCode.None) return this.refuse(code);
      if (receiver.done) {
        say("recovery: image stored as a candidate");
        endLine();
        store<u8>(this.frames.beginAnswer(FRAME_DONE), receiver.slot);
        return this.frames.sendAnswer(1);
      }
    }
    this.acknowledge();
  }

  private acknowledge(): void {
    store<u32>(this.frames.beginAnswer(FRAME_ACKNOWLEDGED), this.receiver.next);
    this.frames.sendAnswer(4);
  }

  private refuse(code: u32): void {
    store<u32>(this.frames.beginAnswer(FRAME_REFUSED), code);
    this.frames.sendAnswer(4);
  }

  /** Three names of at most 112 bytes together: an answer has room for 255. */
  private sayWho(): void {
    const state = this.state;
    const known = state.reason != RecoveryReason.NoFactoryRecord;
    const at = this.frames.beginAnswer(FRAME_INFO);
    const idBytes: u32 = known ? deviceIdBytes() : 0;
    const nameBytes: u32 = known ? productBytes() : 0;
    const hardware: u32 = known ? hardwareBytes() : 0;
    store<u8>(at, state.reason);
    store<u8>(at, state.target, 1);
    store<u16>(at, state.codeA, 2);
    store<u16>(at, state.codeB, 4);
    store<u16>(at, known ? hardwareRevision() : 0, 6);
    store<u32>(at, state.floor, 8);
    store<u8>(at, idBytes, 12);
    store<u8>(at, nameBytes, 13);
    store<u8>(at, hardware, 14);
    store<u8>(at, 0, 15);
    const texts = at + INFO_PREFIX_BYTES;
    memory.copy(texts, deviceIdPtr(), idBytes);
    memory.copy(texts + idBytes, productPtr(), nameBytes);
    memory.copy(texts + idBytes + nameBytes, hardwarePtr(), hardware);
    this.frames.sendAnswer(INFO_PREFIX_BYTES + idBytes + nameBytes + hardware);
  }
}
