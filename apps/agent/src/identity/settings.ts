// What enrolment gave this device, the server's address where a command has changed it, and the app's configuration
// where a command has set one. Two copies (dual-copy.ts): a power cut at any moment leaves all of the old or all of the
// new.
//
// Version 1, as long as the server is the factory record's and was never to be another; any image can read that:
//   0 u8[4] "FSST"   4 u16 version   6 u16 bytes (64)   8 u32 generation   12 u8[32] device secret   44 u32 zero
//   48 u8[16] first bytes of SHA-256 over bytes 0..47
// Version 2:
//   as above, but 6 u16 bytes (256)   44 u8 1: there is a candidate   45 u8 tries that it has left
//   46 u16 what became of the last one (ErrorCode)   48 u8[16] id of the command that brought it; zeros: none ever
//   64 u8[54] server address (portable/command.ts), or zeros: the factory record's   118 u16 zero
//   120 u8[54] the candidate's, or zeros   174 zeros   240 u8[16] first bytes of SHA-256 over bytes 0..239
// Behind either of them, from byte 256 on, a configuration (configuration-annex.ts), if there is one.

import { BootControlLog } from "../boot-control/log";
import { equalInConstantTime, sha256 } from "../crypto";
import {
  annexDocument,
  annexDocumentBytes,
  annexHolds,
  annexIsAbsent,
  annexNumber,
  CONFIGURATION_ANNEX_BYTES,
  sealAnnex,
  setAnnex,
} from "./configuration-annex";
import { DualCopy, NO_COPY } from "../dual-copy";
import { Zone } from "../exokernel";
import { FlashZone } from "../flash";
import {
  BOOT_FLAG_SETTINGS_A_IN_FLUX,
  COMMAND_ID_BYTES,
  DEVICE_SECRET_BYTES,
  ErrorCode,
  isServerAddress,
  SERVER_ADDRESS_BYTES,
  SERVER_ADDRESS_HOST_BYTES_OFFSET,
  SERVER_ADDRESS_HOST_OFFSET,
} from "../format";
import { MqttSettings } from "../mqtt/settings";
import { serverHostBytes, serverHostPtr, serverPort } from "./factory";

const MAGIC: u32 = 0x54535346;
const RECORD_BYTES: u32 = 256;
/** With a configuration behind it. */
const COPY_BYTES: u32 = RECORD_BYTES + CONFIGURATION_ANNEX_BYTES;
const CHECKED_BYTES: u32 = 240;
const RECORD_BYTES_V1: u32 = 64;
const CHECK_BYTES: u32 = 16;

const GENERATION: u32 = 8;
const SECRET: u32 = 12;
/** From here on all is zero in what version 1 can say. */
const CANDIDATE: u32 = 44;
const TRIES: u32 = 45;
const OUTCOME: u32 = 46;
const COMMAND_ID: u32 = 48;
const SERVER: u32 = 64;
const CANDIDATE_SERVER: u32 = 120;

/** What counts now, as version 2 says it; without a configuration all of the annex is zero. */
const record: usize = memory.data(1312, 8);
/** What is to count. */
const draft: usize = memory.data(1312, 8);
const annex: usize = record + RECORD_BYTES;
const digest: usize = memory.data(32);
const address: Uint8Array = new Uint8Array(SERVER_ADDRESS_BYTES);

export class Settings {
  readonly secret: usize = record + SECRET;
  enrolled: bool = false;
  /** The candidate is what this device connects to. */
  usesCandidate: bool = false;
  private zone: FlashZone = new FlashZone(Zone.Settings);
  private copies: DualCopy = new DualCopy(this.zone, BOOT_FLAG_SETTINGS_A_IN_FLUX);

  constructor(private log: BootControlLog) {}

  /** After the log was scanned. False when the zone can't be used; not being enrolled is no failure. */
  load(): bool {
    if (this.zone.open() < 0) return false;
    const flags = this.log.record.flags;
    let copy = this.choose(flags, true);
    // Better without the app's configuration than without a secret.
    if (copy < 0) copy = this.choose(flags, false);
    if (copy < 0) return true;
    this.enrolled = true;
    if (copy == 1) memory.copy(record, draft, COPY_BYTES);
    memory.copy(draft, record, COPY_BYTES);
    const bytes = seal();
    // What could not be repaired now is repaired after the next power-up, or by the next change.
    if (this.copies.needsRepair(flags, draft, bytes)) this.copies.store(this.log, draft, bytes);
    return true;
  }

  /** Reads both copies, A to `record` and B to `draft`; the one that counts, or -1. */
  private choose(flags: u32, whole: bool): i32 {
    const generationA = this.read(0, record, whole);
    return this.copies.choose(flags, generationA, this.read(1, draft, whole));
  }

  /** Keeps a new device secret; true when it reads back. */
  store(newSecret: usize): bool {
    this.begin();
    memory.copy(draft + SECRET, newSecret, DEVICE_SECRET_BYTES);
    if (!this.commit()) return false;
    this.enrolled = true;
    return true;
  }

  // ---- the server's address ----------------------------------------------------------------------------------------

  /** Tells the client which server counts, for its next connection. To be done again after every change. */
  nameServer(client: MqttSettings): void {
    const server = this.usesCandidate ? record + CANDIDATE_SERVER : record + SERVER;
    client.port = load<u16>(server);
    client.hostPtr = server + SERVER_ADDRESS_HOST_OFFSET;
    client.hostLength = load<u8>(server, SERVER_ADDRESS_HOST_BYTES_OFFSET);
    if (client.port != 0) return;
    client.port = serverPort();
    client.hostPtr = serverHostPtr();
    client.hostLength = serverHostBytes();
  }

  hasCandidate(): bool {
    return load<u8>(record, CANDIDATE) != 0;
  }

  candidateTries(): u32 {
    return load<u8>(record, TRIES);
  }

  /** Of the last candidate; its 16 bytes mean something when `wasCommanded`. */
  commandId(): usize {
    return record + COMMAND_ID;
  }

  /** What became of it: ErrorCode.None when it was kept. Means nothing while there is a candidate. */
  outcome(): u32 {
    return load<u16>(record, OUTCOME);
  }

  wasCommanded(): bool {
    return (load<u64>(record, COMMAND_ID) | load<u64>(record, COMMAND_ID + 8)) != 0;
  }

  /** Stores an address (SERVER_ADDRESS_BYTES, checked before) as candidate. */
  propose(address: usize, id: usize, tries: u32): bool {
    this.begin();
    store<u8>(draft, 1, CANDIDATE);
    store<u8>(draft, tries, TRIES);
    store<u16>(draft, 0, OUTCOME);
    memory.copy(draft + COMMAND_ID, id, COMMAND_ID_BYTES);
    memory.copy(draft + CANDIDATE_SERVER, address, SERVER_ADDRESS_BYTES);
    return this.commit();
  }

  /** One try less: true when that is stored, and only then may the candidate be used. */
  recordTry(): bool {
    this.begin();
    store<u8>(draft, load<u8>(draft, TRIES) - 1, TRIES);
    return this.commit();
  }

  /** The candidate is the server from now on. */
  keepCandidate(): bool {
    this.begin();
    memory.copy(draft + SERVER, draft + CANDIDATE_SERVER, SERVER_ADDRESS_BYTES);
    endCandidate(draft, ErrorCode.None);
    if (!this.commit()) return false;
    this.usesCandidate = false;
    return true;
  }

  /** The candidate goes. It does so for this run even if that can't be stored: then it uses up its tries. */
  dropCandidate(code: u32): void {
    this.begin();
    endCandidate(draft, code);
    if (!this.commit()) endCandidate(record, code);
    this.usesCandidate = false;
  }

  // ---- the app's configuration -------------------------------------------------------------------------------------

  /** Of the one in force; 0: there never was one. */
  configurationNumber(): u32 {
    return annexNumber(annex);
  }

  configurationDocument(): usize {
    return annexDocument(annex);
  }

  configurationBytes(): u32 {
    return annexDocumentBytes(annex);
  }

  /** Keeps a configuration (a number from 1, CONFIGURATION_BYTES_MAX bytes at most); true when it reads back. */
  storeConfiguration(number: u32, document: usize, bytes: u32): bool {
    this.begin();
    setAnnex(draft + RECORD_BYTES, number, document, bytes);
    return this.commit();
  }

  // ---- flash -------------------------------------------------------------------------------------------------------

  /** The draft of a new generation: never one that a copy may have already from a change that failed. */
  private begin(): void {
    store<u32>(record, load<u32>(record, GENERATION) + 1, GENERATION);
    memory.copy(draft, record, COPY_BYTES);
  }

  /**
   * Makes the draft count; true when it reads back. Else what counted still does, or the draft after the next start.
   */
  private commit(): bool {
    if (!this.copies.store(this.log, draft, seal())) return false;
    memory.copy(record, draft, COPY_BYTES);
    // Version 1 has its check where version 2 has fields.
    if (load<u16>(draft, 4) == 1) memory.fill(record + CANDIDATE, 0, RECORD_BYTES - CANDIDATE);
    return true;
  }

  /**
   * Reads a copy as version 2 says it; its generation, or NO_COPY and zeros. `whole`: one whose configuration is there
   * and does not hold is none; else it is taken without.
   */
  private read(copy: u32, into: usize, whole: bool): i64 {
    if (this.zone.read(this.copies.offsetOf(copy), into, COPY_BYTES) >= 0 && holds(into)) {
      const generation = load<u32>(into, GENERATION);
      const behind = into + RECORD_BYTES;
      const recordEnds = recordBytes(load<u16>(into, 4));
      const isWhole = annexHolds(behind, generation) && isZero(into + recordEnds, RECORD_BYTES - recordEnds);
      if (isWhole || !whole || annexIsAbsent(behind)) {
        if (load<u16>(into, 4) == 1) memory.fill(into + CANDIDATE, 0, RECORD_BYTES - CANDIDATE);
        if (!isWhole) memory.fill(behind, 0, CONFIGURATION_ANNEX_BYTES);
        return generation;
      }
    }
    memory.fill(into, 0, COPY_BYTES);
    return NO_COPY;
  }
}

function endCandidate(at: usize, code: u32): void {
  store<u16>(at, 0, CANDIDATE); // and its tries
  store<u16>(at, code, OUTCOME);
  memory.fill(at + CANDIDATE_SERVER, 0, SERVER_ADDRESS_BYTES);
}

function holds(at: usize): bool {
  if (load<u32>(at) != MAGIC) return false;
  const version = load<u16>(at, 4);
  if (version != 1 && version != 2) return false;
  if (load<u16>(at, 6) != <u16>recordBytes(version)) return false;
  if (version == 2 && !isWellFormed(at)) return false;
  const checkedBytes = recordBytes(version) - CHECK_BYTES;
  sha256(at, checkedBytes, digest);
  return equalInConstantTime(digest, at + checkedBytes, CHECK_BYTES);
}

/** Of version 2: a length that is not what it may be would have the device read on behind the address. */
function isWellFormed(at: usize): bool {
  const hasCandidate = load<u8>(at, CANDIDATE);
  if (
    hasCandidate > 1 ||
    !isZero(at + SERVER + SERVER_ADDRESS_BYTES, 2) ||
    !isZero(at + CANDIDATE_SERVER + SERVER_ADDRESS_BYTES, 66)
  )
    return false;
  if (!isAddress(at + SERVER) && !isZero(at + SERVER, SERVER_ADDRESS_BYTES)) return false;
  return hasCandidate == 1 ? isAddress(at + CANDIDATE_SERVER) : isZero(at + CANDIDATE_SERVER, SERVER_ADDRESS_BYTES);
}

function isAddress(at: usize): bool {
  memory.copy(address.dataStart, at, SERVER_ADDRESS_BYTES);
  return isServerAddress(address, 0);
}

function isZero(at: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) if (load<u8>(at + i) != 0) return false;
  return true;
}

function recordBytes(version: u32): u32 {
  return version == 1 ? RECORD_BYTES_V1 : RECORD_BYTES;
}

/** Completes the draft: magic, version, length, check; and the configuration's. The length of all of it. */
function seal(): u32 {
  let version: u32 = 1;
  for (let at: u32 = CANDIDATE; at < CHECKED_BYTES; at += 4) if (load<u32>(draft + at) != 0) version = 2;
  const bytes = recordBytes(version);
  store<u32>(draft, MAGIC);
  store<u16>(draft, version, 4);
  store<u16>(draft, bytes, 6);
  sha256(draft, bytes - CHECK_BYTES, digest);
  memory.copy(draft + bytes - CHECK_BYTES, digest, CHECK_BYTES);
  // Up to a configuration there is nothing: what was read as version 2 has its check there.
  memory.fill(draft + bytes, 0, RECORD_BYTES - bytes);
  if (annexNumber(draft + RECORD_BYTES) == 0) return bytes;
  sealAnnex(draft + RECORD_BYTES, load<u32>(draft, GENERATION));
  return COPY_BYTES;
}
