// What the runner and a test build's flash driver tell each other (struct fault_plan of exokernel/flash_faults.h):
// where the next power cut comes and what it leaves, and which bits of the flash read differently each time since
// earlier ones. It lies in RAM that survives resets; the runner carries the marginal bits over power cuts, since they
// are the flash's.

import { type Tear, tears } from "../src/faults/torn-operation.ts";

/** RAM_FAULT_PLAN of exokernel/machine.h, from the start of RAM. */
export const FAULT_PLAN_OFFSET = 0xc00;
/** FAULT_PLAN_MAGIC, "FLPC". */
const MAGIC = 0x43504c46;
const MARGINAL_MAX = 64;
const MARGINAL_AT = 28;
export const FAULT_PLAN_BYTES = MARGINAL_AT + 8 * MARGINAL_MAX;

/** A cut that the flash driver of a test build makes itself. */
export interface DriverCut {
  /** Counted from 1 from the power-on that follows: of loader and image alike, over resets. */
  operation: number;
  tear: Tear;
  seed: number;
  /** One to three of the bits that the operation was to change read differently each time from then on. */
  leavesMarginal?: boolean;
}

export interface MarginalState {
  /** Of the generator that says how the bits read. */
  state: number;
  /** Bytes of the bank, and which of their bits are marginal. */
  bits: { offset: number; mask: number }[];
}

export function encodeFaultPlan(cut: DriverCut | undefined, marginal: MarginalState): Uint8Array {
  if (marginal.bits.length > MARGINAL_MAX)
    throw new RangeError(`${marginal.bits.length} bytes with marginal bits, more than ${MARGINAL_MAX}`);
  const plan = new DataView(new ArrayBuffer(FAULT_PLAN_BYTES));
  const words = [
    MAGIC,
    cut?.operation ?? 0,
    cut ? tears.indexOf(cut.tear) : 0,
    cut?.seed ?? 0,
    cut?.leavesMarginal ? 1 : 0,
    marginal.state,
    marginal.bits.length,
  ];
  words.push(...marginal.bits.flatMap(({ offset, mask }) => [offset, mask]));
  words.forEach((word, i) => plan.setUint32(4 * i, word, true));
  return new Uint8Array(plan.buffer);
}

/** The marginal bits after a run; undefined when there is no plan in these bytes. */
export function decodeMarginal(bytes: Uint8Array): MarginalState | undefined {
  if (bytes.length < FAULT_PLAN_BYTES) return undefined;
  const plan = new DataView(bytes.buffer, bytes.byteOffset);
  const count = plan.getUint32(24, true);
  if (plan.getUint32(0, true) !== MAGIC || count > MARGINAL_MAX) return undefined;
  const bits = Array.from({ length: count }, (_, n) => ({
    offset: plan.getUint32(MARGINAL_AT + 8 * n, true),
    mask: plan.getUint32(MARGINAL_AT + 8 * n + 4, true),
  }));
  return { state: plan.getUint32(20, true), bits };
}
