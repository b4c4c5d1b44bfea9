// What a device did, step by step, as far as anybody outside of it can tell: changes of flash with their content, what
// was started and what was handed over to it, what was said and when, to the second. Equal runs have equal digests, so
// one that was looked at can be written down, and whatever does otherwise is noticed.

import { sha256 } from "@flipside/protocol/primitives";

const hexOf = (content: Uint8Array | string): string => Buffer.from(sha256(content)).toString("hex");

export class Transcript {
  readonly steps: string[] = [];

  note(step: string): void {
    this.steps.push(step);
  }

  /** 16 hex digits. */
  get digest(): string {
    return hexOf(this.steps.join("\n")).slice(0, 16);
  }
}

/** Of bytes, what a step says of them. */
export const contentOf = (bytes: Uint8Array): string => `${bytes.length} bytes ${hexOf(bytes).slice(0, 8)}`;
