import { ROUND_CONSTANTS } from "./sha2-constants";

/** The message schedule W, 80 words. Shared by every context: a block is never interrupted by another. */
const schedule: usize = memory.data(640 + 64, 16);

/** The working variables a … h. In memory, because 16 registers' worth of them would only be spilled. */
const working: usize = schedule + 640;

/** FIPS 180-4 §6.4.2: folds the 128 bytes at `block` into the eight words at `state`. */
export function sha512Block(state: usize, block: usize): void {
  for (let i: usize = 0; i < 128; i += 8) {
    store<u64>(schedule + i, bswap(load<u64>(block + i)));
  }
  for (let w = schedule; w < schedule + 512; w += 8) {
    const w1 = load<u64>(w, 8);
    const w14 = load<u64>(w, 112);
    const sigma0 = rotr(w1, 1) ^ rotr(w1, 8) ^ (w1 >> 7);
    const sigma1 = rotr(w14, 19) ^ rotr(w14, 61) ^ (w14 >> 6);
    store<u64>(w, load<u64>(w) + sigma0 + load<u64>(w, 72) + sigma1, 128);
  }

  memory.copy(working, state, 64);
  for (let i: usize = 0; i < 640; i += 8) {
    const a = load<u64>(working);
    const b = load<u64>(working, 8);
    const c = load<u64>(working, 16);
    const e = load<u64>(working, 32);
    const f = load<u64>(working, 40);
    const g = load<u64>(working, 48);
    const t1 =
      load<u64>(working, 56) +
      (rotr(e, 14) ^ rotr(e, 18) ^ rotr(e, 41)) +
      (g ^ (e & (f ^ g))) +
      load<u64>(ROUND_CONSTANTS + i) +
      load<u64>(schedule + i);
    const t2 = (rotr(a, 28) ^ rotr(a, 34) ^ rotr(a, 39)) + ((a & b) | (c & (a | b)));
    memory.copy(working + 8, working, 56); // h ← g ← … ← a
    store<u64>(working, load<u64>(working, 32) + t1, 32);
    store<u64>(working, t1 + t2);
  }

  for (let i: usize = 0; i < 64; i += 8) {
    store<u64>(state + i, load<u64>(state + i) + load<u64>(working + i));
  }
}

/** Wipes what the last block left behind. */
export function sha512Forget(): void {
  memory.fill(schedule, 0, 640 + 64);
}
