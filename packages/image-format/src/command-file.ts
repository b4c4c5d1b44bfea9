// Commands: an operations key's word that one device shall do one thing in its present session (portable/command.ts).

import type { JWK } from "jose";
import { sha256 } from "./keys.ts";
import { writeU16, writeU32 } from "./portable/bytes.ts";
import * as C from "./portable/command.ts";
import { FACTORY_HOST_BYTES_MAX } from "./portable/factory-record.ts";
import { NONCE_BYTES } from "./portable/protocol-constants.ts";
import { signBlock } from "./signing.ts";

/** Kinds of commands by name, as the REST interface spells them. */
export const commandKinds = { reboot: C.COMMAND_REBOOT, "set-connection": C.COMMAND_SET_CONNECTION } as const;

export type CommandKind = keyof typeof commandKinds;

export type CommandAction = { kind: "reboot" } | { kind: "set-connection"; host: string; port: number };

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
  if (!Number.isInteger(options.number) || options.number < 1 || options.number > 0xffff_ffff)
    throw new RangeError(`number ${options.number}: 1 to 2^32 - 1`);
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
  const block = await signBlock(options.signingKeys, "command", body);
  const command = new Uint8Array(body.length + block.length);
  command.set(body);
  command.set(block, body.length);
  return command;
}

function putAddress(body: Uint8Array, { host, port }: { host: string; port: number }): void {
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new RangeError(`port ${port}: 1 to 65535`);
  if (!/^[\x21-\x7e]+$/.test(host) || host.length > FACTORY_HOST_BYTES_MAX)
    throw new RangeError(
      `host "${host.slice(0, 80)}": 1 to ${FACTORY_HOST_BYTES_MAX} characters of ASCII without space`,
    );
  writeU16(body, C.COMMAND_PORT_OFFSET, port);
  body[C.COMMAND_HOST_BYTES_OFFSET] = host.length;
  body.set(new TextEncoder().encode(host), C.COMMAND_HOST_OFFSET);
}
