import { ROUND_CONSTANTS } from "./sha2-constants";

/** The message schedule W, 64 words. Shared by every context: a block is never interrupted by another. */
const schedule: usize = memory.data(256, 16);

/** T_1 of a round, FIPS 180-4 §6.2.2, with its word of the schedule and its constant. */
// @ts-ignore: decorator
@inline
function firstSum(e: u32, f: u32, g: u32, h: u32, w: u32, k: u32): u32 {
  const choice = g ^ (e & (f ^ g));
  return h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + choice + k + w;
}

/** T_2 of a round. */
// @ts-ignore: decorator
@inline
function secondSum(a: u32, b: u32, c: u32): u32 {
  const majority = (a & b) | (c & (a | b));
  return (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + majority;
}

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

  // Eight rounds at a time: then each variable is where it was, and none is moved.
  let k = ROUND_CONSTANTS;
  for (let w = schedule; w < schedule + 256; w += 32) {
    h = firstSum(e, f, g, h, load<u32>(w), load<u32>(k, 4));
    d += h;
    h += secondSum(a, b, c);
    g = firstSum(d, e, f, g, load<u32>(w, 4), load<u32>(k, 12));
    c += g;
    g += secondSum(h, a, b);
    f = firstSum(c, d, e, f, load<u32>(w, 8), load<u32>(k, 20));
    b += f;
    f += secondSum(g, h, a);
    e = firstSum(b, c, d, e, load<u32>(w, 12), load<u32>(k, 28));
    a += e;
    e += secondSum(f, g, h);
    d = firstSum(a, b, c, d, load<u32>(w, 16), load<u32>(k, 36));
    h += d;
    d += secondSum(e, f, g);
    c = firstSum(h, a, b, c, load<u32>(w, 20), load<u32>(k, 44));
    g += c;
    c += secondSum(d, e, f);
    b = firstSum(g, h, a, b, load<u32>(w, 24), load<u32>(k, 52));
    f += b;
    b += secondSum(c, d, e);
    a = firstSum(f, g, h, a, load<u32>(w, 28), load<u32>(k, 60));
    e += a;
    a += secondSum(b, c, d);
    k += 64;
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
