// A command as the fleet manager makes it (docs/image-format.md, "Command"), at once and always the same: the campaign's
// clock stands still while something is awaited. A test may change any part of it.

import { createHash, createPrivateKey, type JsonWebKeyInput, sign } from "node:crypto";
import { encodeSignatureBlock, signingPrefixes, type SigningKey } from "@flipside/image-format";

export interface CommandParts {
  deviceId: string;
  /** base64url, of the session's proof. */
  deviceNonce: string;
  /** 32 hex digits. */
  id: string;
  number: number;
  /** 1 reboot, 2 set connection. */
  kind: number;
  host?: string;
  port?: number;
}

/** What is signed. */
export function commandBody({ deviceId, deviceNonce, id, number, kind, host = "", port = 0 }: CommandParts): Buffer {
  const body = Buffer.alloc(132);
  body.write("FSCM", "latin1");
  body.writeUInt16LE(1, 4);
  body.writeUInt16LE(body.length, 6);
  createHash("sha256").update(deviceId).digest().copy(body, 8);
  Buffer.from(deviceNonce, "base64url").copy(body, 40);
  body.write(id, 56, "hex");
  body.writeUInt32LE(number, 72);
  body.writeUInt16LE(kind, 76);
  body.writeUInt16LE(port, 78);
  body[80] = host.length;
  body.write(host, 84, "latin1");
  return body;
}

export function signedCommand(key: SigningKey, parts: CommandParts): Uint8Array {
  const body = commandBody(parts);
  const privateKey = createPrivateKey({ key: key.privateJwk as JsonWebKeyInput["key"], format: "jwk" });
  const signature = sign(null, Buffer.concat([Buffer.from(signingPrefixes.command), body]), privateKey);
  const keyId = createHash("sha256").update(key.publicKey).digest().subarray(0, 8);
  return Buffer.concat([body, encodeSignatureBlock([{ keyId, signature }])]);
}
