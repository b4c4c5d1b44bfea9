// What the portable code does with some input, written down as numbers: in the portable dialect itself, so that tsc's
// and AssemblyScript's build both run exactly this. `bytes` may be longer than `available`; nothing beyond may matter.

import { readU32, writeU32 } from "../../src/portable/bytes";
import { BOOT_RECORD_BYTES, BootRecord, readBootRecord, writeBootRecord } from "../../src/portable/boot-control-record";
import { commandArgumentsError, commandBindingError, isCommandBody } from "../../src/portable/command";
import { isFinal, mayFollow } from "../../src/portable/deployment-state";
import { ErrorCode } from "../../src/portable/error-codes";
import { isFactoryRecord } from "../../src/portable/factory-record";
import { chunkCountOf, chunkLength, ImageHeader, parseImageHeader } from "../../src/portable/image-header";
import { isPermitBody, permitIsForAnyDevice } from "../../src/portable/permit";
import {
  parseSignatureBlock,
  signatureCount,
  signatureKeyIdOffset,
  signatureOffset,
} from "../../src/portable/signature-block";
import { chunkTableBytes, fitsSlot, imageFileBytes, slotPayloadOffset } from "../../src/portable/slot-layout";
import {
  parseTrustChain,
  parseTrustLink,
  TRUST_CHAIN_BYTES_MAX,
  TRUST_CHAIN_PREFIX_BYTES,
  trustChainBytes,
  trustChainExtends,
  TrustLink,
} from "../../src/portable/trust-record";

export const OPERATION_HEADER: i32 = 0;
export const OPERATION_SIGNATURE_BLOCK: i32 = 1;
export const OPERATION_TRUST_CHAIN: i32 = 2;
export const OPERATION_PERMIT: i32 = 3;
export const OPERATION_BOOT_RECORD: i32 = 4;
export const OPERATION_FACTORY_RECORD: i32 = 5;
export const OPERATION_TRANSITIONS: i32 = 6;
export const OPERATION_SLOT_LAYOUT: i32 = 7;
export const OPERATION_TRUST_EXTENDS: i32 = 8;
export const OPERATION_COMMAND: i32 = 9;

/** What commands are bound to in OPERATION_COMMAND: bytes 0x11, bytes 0x22, and the number of the newest one. */
const deviceHash = new Uint8Array(32);
const deviceNonce = new Uint8Array(16);
const LAST_NUMBER: u32 = 7;

const header = new ImageHeader();
const record = new BootRecord();
const link = new TrustLink();
const older = new Uint8Array(TRUST_CHAIN_BYTES_MAX);
const newer = new Uint8Array(TRUST_CHAIN_BYTES_MAX);

let written: i32 = 0;

function put(out: Uint8Array, value: i32): void {
  writeU32(out, written, value >>> 0);
  written += 4;
}

function putFlag(out: Uint8Array, value: bool): void {
  put(out, value ? 1 : 0);
}

/** Performs an operation on `bytes` from `offset` on and writes what came of it to `out`; returns how many bytes. */
export function perform(operation: i32, bytes: Uint8Array, offset: i32, available: i32, out: Uint8Array): i32 {
  written = 0;
  if (operation == OPERATION_HEADER) performHeader(bytes, offset, available, out);
  else if (operation == OPERATION_SIGNATURE_BLOCK) performSignatureBlock(bytes, offset, available, out);
  else if (operation == OPERATION_TRUST_CHAIN) performTrustChain(bytes, offset, available, out);
  else if (operation == OPERATION_PERMIT) performPermit(bytes, offset, available, out);
  else if (operation == OPERATION_BOOT_RECORD) performBootRecord(bytes, offset, out);
  else if (operation == OPERATION_FACTORY_RECORD) putFlag(out, isFactoryRecord(bytes, offset));
  else if (operation == OPERATION_TRANSITIONS) performTransitions(out);
  else if (operation == OPERATION_SLOT_LAYOUT) performSlotLayout(bytes, offset, out);
  else if (operation == OPERATION_TRUST_EXTENDS) putFlag(out, performTrustExtends(bytes, offset, available));
  else if (operation == OPERATION_COMMAND) performCommand(bytes, offset, available, out);
  return written;
}

function performHeader(bytes: Uint8Array, offset: i32, available: i32, out: Uint8Array): void {
  const h = header;
  const code = parseImageHeader(bytes, offset, available, h);
  put(out, code);
  if (code != ErrorCode.None) return;
  put(out, h.headerBytes);
  put(out, h.imageType);
  put(out, h.productOffset);
  put(out, h.productBytes);
  put(out, h.hardwareOffset);
  put(out, h.hardwareBytes);
  put(out, h.hardwareRevisionMin);
  put(out, h.hardwareRevisionMax);
  put(out, h.componentId);
  put(out, h.componentCount);
  put(out, h.versionOffset);
  put(out, h.versionBytes);
  put(out, h.releaseSequence);
  put(out, h.securityCounter);
  put(out, h.loaderVersionMin);
  put(out, h.trustVersionMin);
  put(out, h.payloadBytes);
  put(out, h.chunkBytes);
  put(out, h.chunkCount);
  put(out, h.tableDigestOffset);
  put(out, h.loadAddress);
  put(out, h.entryAddress);
  put(out, h.confirmDeadlineMs);
  put(out, h.contactDeadlineMs);
  put(out, h.tries);
  put(out, h.watchdogMs);
  put(out, h.keyIdOffset);
  put(out, h.flags);
  put(out, h.descriptionOffset);
  put(out, h.descriptionBytes);
  put(out, chunkLength(h, 0));
  put(out, chunkLength(h, h.chunkCount - 1));
}

function performSignatureBlock(bytes: Uint8Array, offset: i32, available: i32, out: Uint8Array): void {
  const block = parseSignatureBlock(bytes, offset, available);
  put(out, block);
  if (block < 0) return;
  const count = signatureCount(bytes, offset);
  put(out, count);
  for (let i: i32 = 0; i < count; i++) {
    put(out, signatureKeyIdOffset(offset, i));
    put(out, signatureOffset(offset, i));
  }
}

function performTrustChain(bytes: Uint8Array, offset: i32, available: i32, out: Uint8Array): void {
  const links = parseTrustChain(bytes, offset, available);
  put(out, links);
  if (links < 0) return;
  const end: i32 = offset + trustChainBytes(bytes, offset);
  put(out, end);
  let at: i32 = offset + TRUST_CHAIN_PREFIX_BYTES;
  for (let i: i32 = 0; i < links; i++) {
    const code = parseTrustLink(bytes, at, end, link);
    put(out, code);
    if (code != ErrorCode.None) return;
    put(out, link.bodyOffset);
    put(out, link.bodyBytes);
    put(out, link.blockOffset);
    put(out, link.nextOffset);
    put(out, link.trustVersion);
    put(out, link.rootThreshold);
    put(out, link.rootCount);
    put(out, link.releaseCount);
    put(out, link.operationsCount);
    put(out, link.rootKeysOffset);
    put(out, link.releaseKeysOffset);
    put(out, link.operationsKeysOffset);
    put(out, link.releaseThreshold);
    at = link.nextOffset;
  }
}

/** Input: two chains, the older one first. */
function performTrustExtends(bytes: Uint8Array, offset: i32, available: i32): bool {
  if (parseTrustChain(bytes, offset, available) < 0) return false;
  const olderBytes = trustChainBytes(bytes, offset);
  if (parseTrustChain(bytes, offset + olderBytes, available - olderBytes) < 0) return false;
  for (let i: i32 = 0; i < olderBytes; i++) older[i] = bytes[offset + i]!;
  for (let i: i32 = 0; i < available - olderBytes && i < TRUST_CHAIN_BYTES_MAX; i++)
    newer[i] = bytes[offset + olderBytes + i]!;
  return trustChainExtends(newer, older);
}

function performPermit(bytes: Uint8Array, offset: i32, available: i32, out: Uint8Array): void {
  const isPermit = isPermitBody(bytes, offset, available);
  putFlag(out, isPermit);
  if (isPermit) putFlag(out, permitIsForAnyDevice(bytes, offset));
}

function performCommand(bytes: Uint8Array, offset: i32, available: i32, out: Uint8Array): void {
  for (let i: i32 = 0; i < 32; i++) deviceHash[i] = 0x11;
  for (let i: i32 = 0; i < 16; i++) deviceNonce[i] = 0x22;
  const isCommand = isCommandBody(bytes, offset, available);
  putFlag(out, isCommand);
  if (!isCommand) return;
  put(out, commandBindingError(bytes, offset, deviceHash, deviceNonce, LAST_NUMBER));
  put(out, commandArgumentsError(bytes, offset));
}

/** Whether it is a record, and the record that comes of writing it again. */
function performBootRecord(bytes: Uint8Array, offset: i32, out: Uint8Array): void {
  putFlag(out, readBootRecord(bytes, offset, record));
  writeBootRecord(record, out, written);
  written += BOOT_RECORD_BYTES;
}

/** All states, and one below and above, in both roles: 15 × 15, then which are final. */
function performTransitions(out: Uint8Array): void {
  for (let from: i32 = -1; from <= 13; from++) for (let to: i32 = -1; to <= 13; to++) putFlag(out, mayFollow(from, to));
  for (let state: i32 = -1; state <= 13; state++) putFlag(out, isFinal(state));
}

/** Input: u32 payload bytes, chunk bytes, sector bytes, slot bytes, header bytes, signature block bytes. */
function performSlotLayout(bytes: Uint8Array, offset: i32, out: Uint8Array): void {
  const payloadBytes = readU32(bytes, offset);
  const sectorBytes = readU32(bytes, offset + 8);
  const chunkCount = chunkCountOf(payloadBytes, readU32(bytes, offset + 4));
  put(out, chunkCount);
  put(out, chunkTableBytes(chunkCount));
  put(out, slotPayloadOffset(chunkCount, sectorBytes));
  putFlag(out, fitsSlot(payloadBytes, chunkCount, sectorBytes, readU32(bytes, offset + 12)));
  put(out, imageFileBytes(readU32(bytes, offset + 16), readU32(bytes, offset + 20), chunkCount, payloadBytes));
}
