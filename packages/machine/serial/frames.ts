// Frames on the serial line, the end outside: packages/image-format/src/portable/recovery-protocol.ts has the form.

import {
  crc32,
  FRAME_CHECK_BYTES,
  FRAME_DATA_BYTES_MAX,
  FRAME_END,
  FRAME_PREFIX_BYTES,
  FRAME_START,
  RECOVERY_PROTOCOL_VERSION,
} from "@flipside/image-format";

export interface Frame {
  type: number;
  /** 0 to 65535; an answer has its question's. */
  sequence: number;
  data: Uint8Array;
}

export function encodeFrame({ type, sequence, data }: Frame): Buffer {
  const bytes = Buffer.alloc(FRAME_PREFIX_BYTES + data.length + FRAME_CHECK_BYTES);
  bytes[0] = type;
  bytes[1] = RECOVERY_PROTOCOL_VERSION;
  bytes.writeUInt16LE(sequence, 2);
  bytes.writeUInt16LE(data.length, 4);
  bytes.set(data, FRAME_PREFIX_BYTES);
  const checked = FRAME_PREFIX_BYTES + data.length;
  bytes.writeUInt32LE(crc32(bytes, 0, checked), checked);
  return Buffer.from(
    `${String.fromCharCode(FRAME_START)}${bytes.toString("base64url")}${String.fromCharCode(FRAME_END)}`,
    "latin1",
  );
}

/** A line between its start and its end; undefined when it is no frame that holds. */
function decodeFrame(line: string): Frame | undefined {
  const bytes = Buffer.from(line, "base64url");
  // Buffer forgives what is no base64url: only what reads back the same was sent so.
  if (bytes.toString("base64url") !== line || bytes.length < FRAME_PREFIX_BYTES + FRAME_CHECK_BYTES) return undefined;
  const checked = bytes.length - FRAME_CHECK_BYTES;
  if (bytes[1] !== RECOVERY_PROTOCOL_VERSION || bytes.readUInt16LE(4) !== checked - FRAME_PREFIX_BYTES)
    return undefined;
  if (crc32(bytes, 0, checked) !== bytes.readUInt32LE(checked)) return undefined;
  return { type: bytes[0]!, sequence: bytes.readUInt16LE(2), data: bytes.subarray(FRAME_PREFIX_BYTES, checked) };
}

const LINE_BYTES_MAX = 4096;
const FRAME_TEXT_BYTES_MAX = Math.ceil(((FRAME_PREFIX_BYTES + FRAME_DATA_BYTES_MAX + FRAME_CHECK_BYTES) * 4) / 3);

/** Tells what comes on the line apart: frames that hold, and lines of the console. Noise is neither. */
export class FrameReader {
  readonly #onFrame: (frame: Frame) => void;
  readonly #onLine: (line: string) => void;
  #part: number[] = [];
  #inFrame = false;

  constructor(onFrame: (frame: Frame) => void, onLine: (line: string) => void = () => {}) {
    this.#onFrame = onFrame;
    this.#onLine = onLine;
  }

  take(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte === FRAME_START) {
        this.#inFrame = true;
        this.#part = [];
      } else if (byte === FRAME_END) {
        const line = Buffer.from(this.#part);
        const wasFrame = this.#inFrame;
        this.#part = [];
        this.#inFrame = false;
        if (!wasFrame) {
          this.#onLine(line.toString("utf8").replace(/\r$/, ""));
          continue;
        }
        const frame = decodeFrame(line.toString("latin1"));
        if (frame) this.#onFrame(frame);
      } else if (this.#part.push(byte) > (this.#inFrame ? FRAME_TEXT_BYTES_MAX : LINE_BYTES_MAX)) {
        this.#part = [];
        this.#inFrame = false;
      }
    }
  }
}
