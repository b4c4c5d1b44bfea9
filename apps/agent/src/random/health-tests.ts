// Continuous health tests of the noise source (NIST SP 800-90B, section 4.4), one sample to a byte. What they see is a
// source that is stuck or has lost most of its entropy; they are not a measure of it.
//
// Assumed are at least 4 bits a byte, half of what a hardware source gives; a false alarm has probability 2^-40 a test.

/** 4.4.1: 1 + 40 / 4 equal samples in a row. */
const REPETITIONS_MAX: u32 = 11;
/** 4.4.2: so many of a window that equal its first sample; 1 + critbinom(512, 2^-4, 1 - 2^-40). */
const WINDOW_SAMPLES: u32 = 512;
const EQUAL_MAX: u32 = 78;

let previous: u32 = 256;
let repetitions: u32 = 0;
let first: u32 = 0;
let equal: u32 = 0;
let windowLeft: u32 = 0;

/**
 * Whether the source still passes with these samples. A source that failed has to be given up: the tests go on
 * counting.
 */
export function noiseIsHealthy(ptr: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    const sample: u32 = load<u8>(ptr + i);
    if (sample != previous) repetitions = 0;
    previous = sample;
    if (++repetitions >= REPETITIONS_MAX) return false;
    if (windowLeft == 0) {
      windowLeft = WINDOW_SAMPLES;
      first = sample;
      equal = 0;
    }
    windowLeft--;
    if (sample == first && ++equal >= EQUAL_MAX) return false;
  }
  return true;
}
