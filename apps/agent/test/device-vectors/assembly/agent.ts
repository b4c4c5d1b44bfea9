// The agent of the vectors' image: works through the jobs in the settings zone and says each result.

import {
  ed25519PublicKey, ed25519Sign, ed25519Verify, sha256, sha512,
} from "../../../src/crypto";
import { aeadOpen, aeadSeal } from "../../../../../packages/image-format/assembly/chacha20-poly1305";
import { hkdfExpand, hkdfExtract } from "../../../../../packages/image-format/assembly/hkdf-sha256";
import { x25519, x25519PublicKey } from "../../../../../packages/image-format/assembly/x25519";
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
const AGREE: u32 = 6; // secret, the peer's public key
const SEAL: u32 = 7; // key, nonce, 12 bytes of additional data, message
const OPEN: u32 = 8; // key, nonce, tag, u32 bytes of additional data, those, what was sealed
const DERIVE: u32 = 9; // secret of 32 bytes, info; the salt is the secret, too
const COUNT_AGREE: u32 = 10; // as AGREE
const COUNT_SEAL: u32 = 11; // as SEAL
const PUBLIC: u32 = 12; // secret
const COUNT_PUBLIC: u32 = 13; // secret

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

function instructionsOfAgreeing(): u32 {
  let fewest: u32 = 0xffffffff;
  for (let round = 0; round < 3; round++) {
    const before = instructions();
    x25519(buffer, buffer + 32, result);
    const spent = instructions() - before;
    if (spent < fewest) fewest = spent;
  }
  return fewest;
}

function instructionsOfPublicKey(): u32 {
  let fewest: u32 = 0xffffffff;
  for (let round = 0; round < 3; round++) {
    const before = instructions();
    x25519PublicKey(buffer, result);
    const spent = instructions() - before;
    if (spent < fewest) fewest = spent;
  }
  return fewest;
}

function instructionsOfSealing(length: u32): u32 {
  let fewest: u32 = 0xffffffff;
  for (let round = 0; round < 3; round++) {
    const before = instructions();
    aeadSeal(buffer, buffer + 32, buffer + 44, 12, buffer + 56, length - 56, result);
    const spent = instructions() - before;
    if (spent < fewest) fewest = spent;
  }
  return fewest;
}

/** What a secure channel is made of; false for other kinds. */
function channelJob(kind: u32, length: u32): bool {
  if (kind == AGREE) {
    sayNumber(x25519(buffer, buffer + 32, result) ? 1 : 0);
    sayHex(result, 32);
  } else if (kind == SEAL) {
    aeadSeal(buffer, buffer + 32, buffer + 44, 12, buffer + 56, length - 56, result);
    sha256(buffer + 56, length - 56, result + 16);
    sayHex(result, 48);
  } else if (kind == OPEN) {
    const aadLength = load<u32>(buffer, 60);
    const data = buffer + 64 + aadLength;
    const dataLength = length - 64 - aadLength;
    sayNumber(aeadOpen(buffer, buffer + 32, buffer + 64, aadLength, data, dataLength, buffer + 44) ? 1 : 0);
    sha256(data, dataLength, result);
    sayHex(result, 32);
  } else if (kind == DERIVE) {
    hkdfExtract(buffer, 32, buffer, 32, result);
    hkdfExpand(result, buffer + 32, length - 32, result, 64);
    sayHex(result, 64);
  } else if (kind == PUBLIC) {
    x25519PublicKey(buffer, result);
    sayHex(result, 32);
  } else if (kind == COUNT_PUBLIC) sayNumber(instructionsOfPublicKey());
  else if (kind == COUNT_AGREE) sayNumber(instructionsOfAgreeing());
  else if (kind == COUNT_SEAL) sayNumber(instructionsOfSealing(length));
  else return false;
  return true;
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
    } else channelJob(kind, length);
    endLine();
  }
  say("jobs over");
  endLine();
}

export function step(): u32 {
  watchdogPet();
  return 1_000_000;
}
