// Commands: an operations key's word that one device shall do one thing in its present session (portable/command.ts).

import type { JWK } from "jose";
import { sha256 } from "./keys.ts";
import { writeU16, writeU32 } from "./portable/bytes.ts";
import * as C from "./portable/command.ts";
import { FACTORY_HOST_BYTES_MAX } from "./portable/factory-record.ts";
import {
  CONFIGURATION_BYTES_MAX,
  CONFIGURATION_BYTES_MIN,
  IDENTIFY_SECONDS_MAX,
  NONCE_BYTES,
} from "./portable/protocol-constants.ts";
import { signBlock } from "./signing.ts";

/** Kinds of commands by name, as the REST interface spells them. */
export const commandKinds = {
  reboot: C.COMMAND_REBOOT,
  "set-connection": C.COMMAND_SET_CONNECTION,
  identify: C.COMMAND_IDENTIFY,
  "roll-back": C.COMMAND_ROLL_BACK,
  "set-configuration": C.COMMAND_SET_CONFIGURATION,
  "collect-logs": C.COMMAND_COLLECT_LOGS,
} as const;

export type CommandAction =
  | { kind: "reboot" | "roll-back" | "collect-logs" }
  | { kind: "set-connection"; host: string; port: number }
  | { kind: "identify"; seconds: number }
  /** `document`: a JSON object in UTF-8, which goes into the message beside the command. `number`: from 1. */
  | { kind: "set-configuration"; document: Uint8Array; number: number };

/** Body and signature block. Throws RangeError naming what doesn't fit. */
export async function buildCommand(options: {
  deviceId: string;
  /** 16 bytes, of the session's proof. */
  deviceNonce: Uint8Array;
  /** 16 bytes; what the device's answer names. */
  id: Uint8Array;
  /** From 1, ascending within the session. */
  number: number;
  action: CommandAction;
  /** Operations keys. */
  signingKeys: JWK[];
}): Promise<Uint8Array> {
  const { action, deviceNonce, id } = options;
  if (deviceNonce.length !== NONCE_BYTES)
    throw new RangeError(`device nonce: ${NONCE_BYTES} bytes, not ${deviceNonce.length}`);
  if (id.length !== C.COMMAND_ID_BYTES)
    throw new RangeError(`command id: ${C.COMMAND_ID_BYTES} bytes, not ${id.length}`);
  mustCount("number", options.number, 1, 0xffff_ffff);
  const body = new Uint8Array(C.COMMAND_BODY_BYTES);
  writeU32(body, 0, C.COMMAND_MAGIC);
  writeU16(body, 4, 1);
  writeU16(body, 6, C.COMMAND_BODY_BYTES);
  body.set(await sha256(new TextEncoder().encode(options.deviceId)), C.COMMAND_DEVICE_OFFSET);
  body.set(deviceNonce, C.COMMAND_NONCE_OFFSET);
  body.set(id, C.COMMAND_ID_OFFSET);
  writeU32(body, C.COMMAND_NUMBER_OFFSET, options.number);
  writeU16(body, C.COMMAND_KIND_OFFSET, commandKinds[action.kind]);
  if (action.kind === "set-connection") putAddress(body, action);
  if (action.kind === "identify") {
    mustCount("seconds", action.seconds, 1, IDENTIFY_SECONDS_MAX);
    writeU16(body, C.COMMAND_SECONDS_OFFSET, action.seconds);
  }
  if (action.kind === "set-configuration") await putConfiguration(body, action.document, action.number);
  const block = await signBlock(options.signingKeys, "command", body);
  const command = new Uint8Array(body.length + block.length);
  command.set(body);
  command.set(block, body.length);
  return command;
}

function mustCount(what: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max)
    throw new RangeError(`${what} ${value}: ${min} to ${max}`);
}

async function putConfiguration(body: Uint8Array, document: Uint8Array, number: number): Promise<void> {
  mustCount("document bytes", document.length, CONFIGURATION_BYTES_MIN, CONFIGURATION_BYTES_MAX);
  mustCount("configuration number", number, 1, 0xffff_ffff);
  writeU16(body, C.COMMAND_DOCUMENT_BYTES_OFFSET, document.length);
  writeU32(body, C.COMMAND_CONFIGURATION_NUMBER_OFFSET, number);
  body.set(await sha256(document), C.COMMAND_DOCUMENT_DIGEST_OFFSET);
}

function putAddress(body: Uint8Array, { host, port }: { host: string; port: number }): void {
  mustCount("port", port, 1, 65535);
  if (!/^[\x21-\x7e]+$/.test(host) || host.length > FACTORY_HOST_BYTES_MAX)
    throw new RangeError(
      `host "${host.slice(0, 80)}": 1 to ${FACTORY_HOST_BYTES_MAX} characters of ASCII without space`,
    );
  writeU16(body, C.COMMAND_PORT_OFFSET, port);
  body[C.COMMAND_HOST_BYTES_OFFSET] = host.length;
  body.set(new TextEncoder().encode(host), C.COMMAND_HOST_OFFSET);
}
