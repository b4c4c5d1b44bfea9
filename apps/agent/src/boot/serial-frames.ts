// Frames on the serial line, the device's end: bytes from the line put together to frames that hold, and answers.
// packages/image-format/src/portable/recovery-protocol.ts has the form.

import { consoleWrite, Errno, serialRead } from "../exokernel";
import {
  crc32,
  FRAME_CHECK_BYTES,
  FRAME_DATA_BYTES_MAX,
  FRAME_END,
  FRAME_PREFIX_BYTES,
  FRAME_START,
  RECOVERY_PROTOCOL_VERSION,
} from "../format";
import { base64urlDecode, base64urlEncode, base64urlLength } from "../text/base64url";

const FRAME_BYTES_MAX: u32 = FRAME_PREFIX_BYTES + FRAME_DATA_BYTES_MAX + FRAME_CHECK_BYTES;
const READ_BYTES: u32 = 256;

export class SerialFrames {
  /** Of the frame that `poll` returned: valid until it is called again. */
  type: u32 = 0;
  sequence: u32 = 0;
  dataBytes: u32 = 0;
  /** Bytes came in the last `poll`. */
  heard: bool = false;

  private received: usize = heap.alloc(READ_BYTES);
  private receivedBytes: u32 = 0;
  private receivedAt: u32 = 0;
  private line: usize = heap.alloc(2048);
  private lineBytes: u32 = 0;
  private inFrame: bool = false;
  private frame: Uint8Array = new Uint8Array(FRAME_BYTES_MAX);
  private answer: Uint8Array = new Uint8Array(FRAME_BYTES_MAX);

  data(): usize {
    return this.frame.dataStart + FRAME_PREFIX_BYTES;
  }

  /** 1: a frame that holds; 0: none among what is there now; or Errno.Absent. Reads a bounded number of bytes. */
  poll(): i32 {
    if (this.receivedAt == this.receivedBytes) {
      const got = serialRead(this.received, READ_BYTES);
      this.heard = got > 0;
      if (got == Errno.Absent) return got;
      if (got <= 0) return 0;
      this.receivedBytes = got;
      this.receivedAt = 0;
    }
    while (this.receivedAt < this.receivedBytes) {
      if (this.take(load<u8>(this.received + this.receivedAt++))) return 1;
    }
    return 0;
  }

  private take(byte: u32): bool {
    if (byte == FRAME_START) {
      this.inFrame = true;
      this.lineBytes = 0;
      return false;
    }
    if (!this.inFrame) return false;
    if (byte != FRAME_END) {
      // Longer than any frame: noise has eaten an end. The next start is looked for.
      if (this.lineBytes == base64urlLength(FRAME_BYTES_MAX)) this.inFrame = false;
      else store<u8>(this.line + this.lineBytes++, byte);
      return false;
    }
    this.inFrame = false;
    return this.open();
  }

  /** Whether the line is a frame: form, length, version and CRC-32 hold. */
  private open(): bool {
    const ptr = this.frame.dataStart;
    const bytes = base64urlDecode(ptr, FRAME_BYTES_MAX, this.line, this.lineBytes);
    if (bytes < <i32>(FRAME_PREFIX_BYTES + FRAME_CHECK_BYTES)) return false;
    const checked = bytes - FRAME_CHECK_BYTES;
    if (load<u16>(ptr, 4) != checked - FRAME_PREFIX_BYTES || load<u8>(ptr, 1) != RECOVERY_PROTOCOL_VERSION)
      return false;
    if (crc32(this.frame, 0, checked) != load<u32>(ptr + checked)) return false;
    this.type = load<u8>(ptr);
    this.sequence = load<u16>(ptr, 2);
    this.dataBytes = checked - FRAME_PREFIX_BYTES;
    return true;
  }

  /** Begins the answer to the frame that came last; returns where its data goes, at most 255 bytes. */
  beginAnswer(type: u32): usize {
    const ptr = this.answer.dataStart;
    store<u8>(ptr, type);
    store<u8>(ptr, RECOVERY_PROTOCOL_VERSION, 1);
    store<u16>(ptr, this.sequence, 2);
    return ptr + FRAME_PREFIX_BYTES;
  }

  sendAnswer(dataBytes: u32): void {
    const ptr = this.answer.dataStart;
    store<u16>(ptr, dataBytes, 4);
    const checked = FRAME_PREFIX_BYTES + dataBytes;
    store<u32>(ptr + checked, crc32(this.answer, 0, checked));
    const line = this.line; // no frame is half received: this one answers a whole one
    store<u8>(line, FRAME_START);
    const length = base64urlEncode(line + 1, ptr, checked + FRAME_CHECK_BYTES);
    store<u8>(line + 1 + length, FRAME_END);
    consoleWrite(line, length + 2);
  }
}
