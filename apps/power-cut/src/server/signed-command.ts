// A command as the fleet manager makes it (image-format's buildCommand, docs/image-format.md, "Command"), but at once,
// since the campaign's clock stands still while something is awaited, and unchecked: a test may change any part of it.

import { signerOf } from "#ed25519";
import { encodeSignatureBlock, signingPrefixes, type SigningKey } from "@flipside/image-format";
import * as C from "@flipside/image-format/portable/command";
import { fromBase64url, sha256 } from "@flipside/protocol/primitives";

export interface CommandParts {
  deviceId: string;
  /** base64url, of the session's proof. */
  deviceNonce: string;
  /** 32 hex digits. */
  id: string;
  number: number;
  /** COMMAND_* of portable/command.ts. */
  kind: number;
  host?: string;
  port?: number;
  seconds?: number;
  configuration?: { number: number; document: Uint8Array };
}

/** What is signed. */
export function commandBody(parts: CommandParts): Buffer {
  const { deviceId, deviceNonce, id, number, kind, host = "", port = 0, seconds, configuration } = parts;
  const body = Buffer.alloc(C.COMMAND_BODY_BYTES);
  body.writeUInt32LE(C.COMMAND_MAGIC, 0);
  body.writeUInt16LE(1, 4);
  body.writeUInt16LE(body.length, 6);
  body.set(sha256(deviceId), C.COMMAND_DEVICE_OFFSET);
  body.set(fromBase64url(deviceNonce), C.COMMAND_NONCE_OFFSET);
  body.write(id, C.COMMAND_ID_OFFSET, "hex");
  body.writeUInt32LE(number, C.COMMAND_NUMBER_OFFSET);
  body.writeUInt16LE(kind, C.COMMAND_KIND_OFFSET);
  body.writeUInt16LE(port, C.COMMAND_PORT_OFFSET);
  body[C.COMMAND_HOST_BYTES_OFFSET] = host.length;
  body.write(host, C.COMMAND_HOST_OFFSET, "latin1");
  if (seconds !== undefined) body.writeUInt16LE(seconds, C.COMMAND_SECONDS_OFFSET);
  if (configuration) {
    body.writeUInt16LE(configuration.document.length, C.COMMAND_DOCUMENT_BYTES_OFFSET);
    body.writeUInt32LE(configuration.number, C.COMMAND_CONFIGURATION_NUMBER_OFFSET);
    body.set(sha256(configuration.document), C.COMMAND_DOCUMENT_DIGEST_OFFSET);
  }
  return body;
}

export function signedCommand(key: SigningKey, parts: CommandParts): Uint8Array {
  const body = commandBody(parts);
  const signer = signerOf(fromBase64url(key.privateJwk.d!));
  const signature = signer.sign(Buffer.concat([Buffer.from(signingPrefixes.command), body]));
  const keyId = sha256(key.publicKey).subarray(0, 8);
  return Buffer.concat([body, encodeSignatureBlock([{ keyId, signature }])]);
}
