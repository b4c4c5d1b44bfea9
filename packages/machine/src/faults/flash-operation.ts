// One change of flash: what a driver asks of a chip, and what power may be cut in the middle of.

export interface FlashOperation {
  kind: "erase" | "program";
  /** Offset in the flash, and length in bytes. */
  offset: number;
  length: number;
  /** What a program would write. */
  data?: Uint8Array;
}
