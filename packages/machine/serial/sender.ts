// Sends an image to a device in recovery over any byte pipe: asks who it is, lets the caller choose the image, and
// brings it over piece by piece, each acknowledged. docs/boot-control.md, "Recovery", has the exchange.

import type { Duplex } from "node:stream";
import {
  errorName,
  FRAME_ACKNOWLEDGED,
  FRAME_BEGIN,
  FRAME_DATA,
  FRAME_DONE,
  FRAME_HELLO,
  FRAME_IMAGE_BYTES_MAX,
  FRAME_INFO,
  FRAME_REFUSED,
  INFO_PREFIX_BYTES,
  ErrorCode,
  RecoveryReason,
  recoveryReasonNames,
} from "@flipside/image-format";
import { encodeFrame, type Frame, FrameReader } from "./frames.ts";

/** What a device in recovery says of itself. */
export interface RecoveringDevice {
  deviceId: string;
  product: string;
  hardware: { name: string; revision: number };
  /** RecoveryReason, and its name. */
  reason: number;
  reasonName: string;
  /** Error codes: why neither slot's image was started. */
  codes: [a: number, b: number];
  securityFloor: number;
  targetSlot: "a" | "b";
}

export type RecoveryErrorKind =
  /** Nothing was heard for too long, or in all. */
  | "no-answer"
  /** The device refused the image; `errorCode` says why. */
  | "refused"
  /** It can't take any image in its state. */
  | "device-unable"
  /** The line is gone. */
  | "line-closed"
  /** The device lost what it had again and again. */
  | "interrupted";

export class RecoveryError extends Error {
  override name = "RecoveryError";
  constructor(
    readonly kind: RecoveryErrorKind,
    message: string,
    readonly errorCode?: number,
  ) {
    super(message);
  }
}

export interface RecoverOptions {
  line: Duplex;
  /** The image file for this device. What it throws ends the recovery. */
  chooseImage(device: RecoveringDevice): Uint8Array | Promise<Uint8Array>;
  onDevice?(device: RecoveringDevice): void;
  onProgress?(sentBytes: number, totalBytes: number): void;
  /** The transfer begins anew: the device was reset, or lost power. */
  onRestart?(): void;
  /** Console lines of the device. */
  onLine?(line: string): void;
  /** A frame is said again when no answer came for so long. Default 2 s: erasing a sector takes that. */
  retryMs?: number;
  /** Given up when nothing was answered for so long. Default 60 s. */
  silenceMs?: number;
  /** Given up after so long in all. Default 1 h. */
  totalMs?: number;
}

const RESTARTS_MAX = 5;

/**
 * Resolves when the device has stored the image as a candidate and is about to start it. Rejects with RecoveryError.
 */
export async function recoverDevice(
  options: RecoverOptions,
): Promise<{ slot: "a" | "b"; device: RecoveringDevice; restarts: number }> {
  const exchange = new Exchange(options);
  try {
    const device = deviceOf(await exchange.ask(FRAME_HELLO, new Uint8Array(0), FRAME_INFO));
    options.onDevice?.(device);
    const unable = [
      RecoveryReason.NoFactoryRecord,
      RecoveryReason.FlashGeometry,
      RecoveryReason.NoTrustRecord,
    ].includes(device.reason);
    if (unable)
      throw new RecoveryError(
        "device-unable",
        `the device says ${device.reasonName}: without it no image can be checked, so it takes none`,
      );
    const image = await options.chooseImage(device);
    for (let restarts = 0; ; restarts++) {
      const slot = await sendImage(exchange, image, options);
      if (slot !== undefined) return { slot, device, restarts };
      if (restarts === RESTARTS_MAX)
        throw new RecoveryError("interrupted", `the device lost the transfer ${RESTARTS_MAX + 1} times`);
      options.onRestart?.();
    }
  } finally {
    exchange.close();
  }
}

/** The slot; undefined when the device does not know of the transfer any more. */
async function sendImage(
  exchange: Exchange,
  image: Uint8Array,
  options: RecoverOptions,
): Promise<"a" | "b" | undefined> {
  let next = wantedBy(await exchange.ask(FRAME_BEGIN, u32(image.length)));
  while (typeof next === "number") {
    if (next >= image.length)
      throw new RecoveryError(
        "refused",
        `the device wants more than the file's ${image.length} bytes`,
        ErrorCode.ImageTruncated,
      );
    options.onProgress?.(next, image.length);
    const part = image.subarray(next, next + FRAME_IMAGE_BYTES_MAX);
    next = wantedBy(await exchange.ask(FRAME_DATA, Buffer.concat([u32(next), part])));
  }
  if (next.slot !== undefined) options.onProgress?.(image.length, image.length);
  return next.slot;
}

/** The offset that is wanted next, or how it ended. */
function wantedBy(answer: Frame): number | { slot: "a" | "b" | undefined } {
  const data = Buffer.from(answer.data);
  if (answer.type === FRAME_ACKNOWLEDGED && data.length === 4) return data.readUInt32LE(0);
  if (answer.type === FRAME_DONE && data.length === 1) return { slot: data[0] === 0 ? "a" : "b" };
  if (answer.type !== FRAME_REFUSED || data.length !== 4)
    throw new RecoveryError(
      "device-unable",
      `the device gave an answer of a kind that this program does not know (${answer.type})`,
    );
  const code = data.readUInt32LE(0);
  if (code === ErrorCode.DownloadTimedOut) return { slot: undefined };
  throw new RecoveryError("refused", `the device refused the image: ${errorName(code)} (${code})`, code);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function deviceOf({ data }: Frame): RecoveringDevice {
  const bytes = Buffer.from(data);
  if (bytes.length < INFO_PREFIX_BYTES)
    throw new RecoveryError("device-unable", "the device says less of itself than it should");
  let at = INFO_PREFIX_BYTES;
  const text = (length: number): string => bytes.toString("utf8", at, (at += length));
  const reason = bytes[0]!;
  return {
    reason,
    reasonName: recoveryReasonNames[reason] ?? `reason ${reason}`,
    targetSlot: bytes[1] === 0 ? "a" : "b",
    codes: [bytes.readUInt16LE(2), bytes.readUInt16LE(4)],
    securityFloor: bytes.readUInt32LE(8),
    deviceId: text(bytes[12]!),
    product: text(bytes[13]!),
    hardware: { name: text(bytes[14]!), revision: bytes.readUInt16LE(6) },
  };
}

/** One question at a time, said again until it is answered. */
class Exchange {
  readonly #line: Duplex;
  readonly #retryMs: number;
  readonly #silenceMs: number;
  readonly #endsAt: number;
  readonly #onData: (bytes: Buffer) => void;
  readonly #onEnd: () => void;
  #sequence = Math.floor(Math.random() * 0x10000); // another than an earlier program's, whose answers may still come
  #isClosed = false;
  #waiting: { sequence: number; answered(frame: Frame): void; failed(error: RecoveryError): void } | undefined;

  constructor({ line, onLine, retryMs, silenceMs, totalMs }: RecoverOptions) {
    this.#line = line;
    this.#retryMs = retryMs ?? 2_000;
    this.#silenceMs = silenceMs ?? 60_000;
    this.#endsAt = performance.now() + (totalMs ?? 3_600_000);
    const reader = new FrameReader(
      (frame) => frame.sequence === this.#waiting?.sequence && this.#waiting.answered(frame),
      onLine,
    );
    this.#onData = (bytes) => reader.take(bytes);
    this.#onEnd = () => {
      this.#isClosed = true;
      this.#waiting?.failed(new RecoveryError("line-closed", "the serial line was closed"));
    };
    line.on("data", this.#onData);
    for (const event of ["end", "close", "error"]) line.on(event, this.#onEnd);
  }

  ask(type: number, data: Uint8Array, wantedType?: number): Promise<Frame> {
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const sequence = this.#sequence;
    const frame = encodeFrame({ type, sequence, data });
    return new Promise<Frame>((resolve, reject) => {
      if (this.#isClosed) return reject(new RecoveryError("line-closed", "the serial line was closed"));
      const leftMs = Math.max(0, this.#endsAt - performance.now());
      const repeat = setInterval(() => this.#line.write(frame), this.#retryMs);
      const deadline = setTimeout(
        () => {
          ended();
          const why =
            leftMs < this.#silenceMs
              ? "this takes too long"
              : `no answer for ${this.#silenceMs / 1000} s: is the device in recovery, and the line the right one?`;
          reject(new RecoveryError("no-answer", why));
        },
        Math.min(this.#silenceMs, leftMs),
      );
      const ended = (): void => {
        clearInterval(repeat);
        clearTimeout(deadline);
        this.#waiting = undefined;
      };
      this.#waiting = {
        sequence,
        answered: (answer) => {
          if (wantedType !== undefined && answer.type !== wantedType) return;
          ended();
          resolve(answer);
        },
        failed: (error) => {
          ended();
          reject(error);
        },
      };
      this.#line.write(frame);
    });
  }

  close(): void {
    this.#line.off("data", this.#onData);
    for (const event of ["end", "close", "error"]) this.#line.off(event, this.#onEnd);
  }
}
