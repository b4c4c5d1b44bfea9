// A command makes one device do one thing, once, in the session that the device is in. Signed by an operations key (typ
// flipside-command+jws). Bound to the device and to the nonce that the device chose for this session, so that it holds
// nowhere else and at no other time; its number makes it hold once.
//
//   0 u8[4] "FSCM"   4 u16 version   6 u16 body bytes (132)   8 u8[32] SHA-256 of the device id
//   40 u8[16] the session's device nonce   56 u8[16] command id   72 u32 number: counts a session's commands from 1
//   76 u16 kind   78 u8[54] arguments, by kind   132 signature block
//
//   reboot, roll-back, collect-logs   78 zeros
//   set-connection      78 u16 port   80 u8 host bytes   81 u8[3] zero   84 u8[48] host, then zeros
//   identify            78 u16 seconds   80 zeros
//   set-configuration   78 u16 document bytes   80 u32 number   84 u8[32] SHA-256 of the document   116 zeros
//
// The document itself travels beside the command, in the same message; its hash binds it.

import { equalBytes, isFilledWith, readU16, readU32 } from "./bytes";
import { ErrorCode } from "./error-codes";
import { FACTORY_HOST_BYTES_MAX } from "./factory-record";
import { CONFIGURATION_BYTES_MAX, CONFIGURATION_BYTES_MIN, IDENTIFY_SECONDS_MAX } from "./protocol-constants";

export const COMMAND_MAGIC: u32 = 0x4d435346;
export const COMMAND_BODY_BYTES: i32 = 132;
export const COMMAND_DEVICE_OFFSET: i32 = 8;
export const COMMAND_NONCE_OFFSET: i32 = 40;
export const COMMAND_ID_OFFSET: i32 = 56;
export const COMMAND_ID_BYTES: i32 = 16;
export const COMMAND_NUMBER_OFFSET: i32 = 72;
export const COMMAND_KIND_OFFSET: i32 = 76;
export const COMMAND_ARGUMENTS_OFFSET: i32 = 78;
export const COMMAND_PORT_OFFSET: i32 = 78;
export const COMMAND_HOST_BYTES_OFFSET: i32 = 80;
export const COMMAND_HOST_OFFSET: i32 = 84;
export const COMMAND_SECONDS_OFFSET: i32 = 78;
export const COMMAND_DOCUMENT_BYTES_OFFSET: i32 = 78;
export const COMMAND_CONFIGURATION_NUMBER_OFFSET: i32 = 80;
export const COMMAND_DOCUMENT_DIGEST_OFFSET: i32 = 84;

/** The image that runs is started again. */
export const COMMAND_REBOOT: u32 = 1;
/** Port and host of the server that the device shall try, and keep if it has contact there. */
export const COMMAND_SET_CONNECTION: u32 = 2;
/** Seconds, from 1 to 600, for which the device makes itself known to who stands beside it. */
export const COMMAND_IDENTIFY: u32 = 3;
/** To the other slot's image, which is confirmed. */
export const COMMAND_ROLL_BACK: u32 = 4;
/** Length, number (from 1) and SHA-256 of the document that the device's app shall go by. */
export const COMMAND_SET_CONFIGURATION: u32 = 5;
/** What the device has said on its console lately. */
export const COMMAND_COLLECT_LOGS: u32 = 6;

export function isCommandBody(bytes: Uint8Array, offset: i32, available: i32): bool {
  return (
    available >= COMMAND_BODY_BYTES &&
    readU32(bytes, offset) == COMMAND_MAGIC &&
    readU16(bytes, offset + 4) == 1 &&
    readU16(bytes, offset + 6) == <u32>COMMAND_BODY_BYTES
  );
}

/**
 * Whether the command at `offset` is meant for this device, now: ErrorCode.None or why not. `deviceHash`: SHA-256 of
 * the device id. `lastNumber`: of the newest command that was taken in this session; 0 before the first.
 */
export function commandBindingError(
  bytes: Uint8Array,
  offset: i32,
  deviceHash: Uint8Array,
  deviceNonce: Uint8Array,
  lastNumber: u32,
): i32 {
  if (!equalBytes(bytes, offset + COMMAND_DEVICE_OFFSET, deviceHash, 0, 32)) return ErrorCode.CommandForAnotherDevice;
  if (!equalBytes(bytes, offset + COMMAND_NONCE_OFFSET, deviceNonce, 0, 16)) return ErrorCode.CommandForAnotherSession;
  return readU32(bytes, offset + COMMAND_NUMBER_OFFSET) > lastNumber ? ErrorCode.None : ErrorCode.CommandRepeated;
}

/** Whether kind and arguments can be carried out: ErrorCode.None, CommandUnknown or CommandMalformed. */
export function commandArgumentsError(bytes: Uint8Array, offset: i32): i32 {
  const kind = readU16(bytes, offset + COMMAND_KIND_OFFSET);
  if (kind < COMMAND_REBOOT || kind > COMMAND_COLLECT_LOGS) return ErrorCode.CommandUnknown;
  return areArguments(bytes, offset, kind) ? ErrorCode.None : ErrorCode.CommandMalformed;
}

function areArguments(bytes: Uint8Array, offset: i32, kind: u32): bool {
  const at = offset + COMMAND_ARGUMENTS_OFFSET;
  if (kind == COMMAND_SET_CONNECTION) return isServerAddress(bytes, at);
  if (kind == COMMAND_IDENTIFY) {
    const seconds = readU16(bytes, offset + COMMAND_SECONDS_OFFSET);
    return seconds >= 1 && seconds <= IDENTIFY_SECONDS_MAX && isZeroFrom(bytes, offset, COMMAND_SECONDS_OFFSET + 2);
  }
  if (kind == COMMAND_SET_CONFIGURATION) {
    const documentBytes: i32 = readU16(bytes, offset + COMMAND_DOCUMENT_BYTES_OFFSET);
    return (
      documentBytes >= CONFIGURATION_BYTES_MIN &&
      documentBytes <= CONFIGURATION_BYTES_MAX &&
      readU32(bytes, offset + COMMAND_CONFIGURATION_NUMBER_OFFSET) != 0 &&
      isZeroFrom(bytes, offset, COMMAND_DOCUMENT_DIGEST_OFFSET + 32)
    );
  }
  return isZeroFrom(bytes, offset, COMMAND_ARGUMENTS_OFFSET);
}

/** From `from` of the body to its end. */
function isZeroFrom(bytes: Uint8Array, offset: i32, from: i32): bool {
  return isFilledWith(bytes, offset + from, COMMAND_BODY_BYTES - from, 0);
}

/** u16 port, u8 host bytes, u8[3] zero, u8[48] host: a command's arguments, and a part of the settings record. */
export const SERVER_ADDRESS_BYTES: i32 = 54;
export const SERVER_ADDRESS_HOST_BYTES_OFFSET: i32 = 2;
export const SERVER_ADDRESS_HOST_OFFSET: i32 = 6;

/** A port other than 0 and a host of 1 to 48 characters of printable ASCII without space; all else zero. */
export function isServerAddress(bytes: Uint8Array, offset: i32): bool {
  const hostBytes: i32 = bytes[offset + SERVER_ADDRESS_HOST_BYTES_OFFSET]!;
  if (readU16(bytes, offset) == 0 || hostBytes < 1 || hostBytes > FACTORY_HOST_BYTES_MAX) return false;
  const host: i32 = offset + SERVER_ADDRESS_HOST_OFFSET;
  for (let i: i32 = 0; i < hostBytes; i++) {
    const char: u32 = bytes[host + i]!;
    if (char < 0x21 || char > 0x7e) return false;
  }
  return (
    isFilledWith(bytes, offset + 3, 3, 0) &&
    isFilledWith(bytes, host + hostBytes, FACTORY_HOST_BYTES_MAX - hostBytes, 0)
  );
}
