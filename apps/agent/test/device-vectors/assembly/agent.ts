// The agent of the vectors' image: works through the jobs in the settings zone and says each result.

import {
  ed25519PublicKey, ed25519Sign, ed25519Verify, sha256, sha512,
} from "../../../src/crypto";
import { endLine, say, sayHex, sayNumber, sayText } from "../../../src/console";
import { flashRead, watchdogPet, Zone } from "../../../src/exokernel";

export { abort } from "../../../src/abort";

/** Instructions retired, from the image's own C (../probes/instructions.c). */
@external("exo", "instructions")
declare function instructions(): u32;

// Job: u32 kind, u32 payload bytes, payload, zeros up to a multiple of 4. Erased flash ends the list.
const VERIFY: u32 = 1; // public key, signature, message
const SHA256: u32 = 2;
const SHA512: u32 = 3;
const SIGN: u32 = 4; // seed, message
const COUNT: u32 = 5; // seed, public key, message

const BUFFER_BYTES: u32 = 16384;
const buffer: usize = memory.data(16384, 8);
const head: usize = memory.data(8, 4);
const result: usize = memory.data(64, 8);
const publicKey: usize = memory.data(32, 8);

/** The fewest of some rounds: the timer interrupt may fall into one. */
function instructionsOfSigning(length: u32): u32 {
  let fewest: u32 = 0xffffffff;
  for (let round = 0; round < 3; round++) {
    const before = instructions();
    ed25519Sign(buffer, buffer + 32, buffer + 64, length - 64, result);
    const spent = instructions() - before;
    if (spent < fewest) fewest = spent;
  }
  return fewest;
}

export function start(): void {
  let at: u32 = 0;
  for (let index: u32 = 0; ; index++) {
    watchdogPet();
    if (flashRead(Zone.Settings, at, head, 8) < 0) break;
    const kind = load<u32>(head);
    const length = load<u32>(head, 4);
    if (kind == 0xffffffff) break;
    if (length > BUFFER_BYTES || flashRead(Zone.Settings, at + 8, buffer, length) < 0) break;
    at += 8 + ((length + 3) & ~3);
    say("job ");
    sayNumber(index);
    sayText(" ");
    if (kind == VERIFY) {
      sayNumber(ed25519Verify(buffer, buffer + 32, buffer + 96, length - 96));
    } else if (kind == SHA256) {
      sha256(buffer, length, result);
      sayHex(result, 32);
    } else if (kind == SHA512) {
      sha512(buffer, length, result);
      sayHex(result, 64);
    } else if (kind == SIGN) {
      ed25519PublicKey(buffer, publicKey);
      ed25519Sign(buffer, publicKey, buffer + 32, length - 32, result);
      sayHex(result, 64);
    } else if (kind == COUNT) {
      sayNumber(instructionsOfSigning(length));
    }
    endLine();
  }
  say("jobs over");
  endLine();
}

export function step(): u32 {
  watchdogPet();
  return 1_000_000;
}
