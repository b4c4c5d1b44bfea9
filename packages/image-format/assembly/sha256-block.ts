import { ROUND_CONSTANTS } from "./sha2-constants";

/** The message schedule W, 64 words. Shared by every context: a block is never interrupted by another. */
const schedule: usize = memory.data(256, 16);

/** FIPS 180-4 §6.2.2: folds the 64 bytes at `block` into the eight words at `state`. */
export function sha256Block(state: usize, block: usize): void {
  for (let i: usize = 0; i < 64; i += 4) {
    store<u32>(schedule + i, bswap(load<u32>(block + i)));
  }
  for (let w = schedule; w < schedule + 192; w += 4) {
    const w1 = load<u32>(w, 4);
    const w14 = load<u32>(w, 56);
    const sigma0 = rotr(w1, 7) ^ rotr(w1, 18) ^ (w1 >> 3);
    const sigma1 = rotr(w14, 17) ^ rotr(w14, 19) ^ (w14 >> 10);
    store<u32>(w, load<u32>(w) + sigma0 + load<u32>(w, 36) + sigma1, 64);
  }

  let a = load<u32>(state);
  let b = load<u32>(state, 4);
  let c = load<u32>(state, 8);
  let d = load<u32>(state, 12);
  let e = load<u32>(state, 16);
  let f = load<u32>(state, 20);
  let g = load<u32>(state, 24);
  let h = load<u32>(state, 28);

  for (let i: usize = 0; i < 64; i++) {
    const choice = g ^ (e & (f ^ g));
    const majority = (a & b) | (c & (a | b));
    const t1 =
      h +
      (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) +
      choice +
      load<u32>(ROUND_CONSTANTS + (i << 3), 4) +
      load<u32>(schedule + (i << 2));
    const t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + majority;
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }

  store<u32>(state, load<u32>(state) + a);
  store<u32>(state, load<u32>(state, 4) + b, 4);
  store<u32>(state, load<u32>(state, 8) + c, 8);
  store<u32>(state, load<u32>(state, 12) + d, 12);
  store<u32>(state, load<u32>(state, 16) + e, 16);
  store<u32>(state, load<u32>(state, 20) + f, 20);
  store<u32>(state, load<u32>(state, 24) + g, 24);
  store<u32>(state, load<u32>(state, 28) + h, 28);
}

/** Wipes what the last block left behind. */
export function sha256Forget(): void {
  memory.fill(schedule, 0, 256);
}
