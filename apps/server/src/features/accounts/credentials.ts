// What stands for a session or a token, told apart by how it begins.

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { hashOfSecret, newSecretText } from "../../secret-text.ts";

/** By which a token is known in a request, in a log, and by programs that look for secrets in what is published. */
export const tokenPrefix = "flip_";

export const newSessionText = newSecretText;
export const newTokenText = (): string => tokenPrefix + newSecretText();

/** As its column has it. */
export const hashOf = (text: string): string => hashOfSecret(text).toString("hex");

const nonceBytes = 12;
const tagBytes = 16;
const keyOf = (text: string): Buffer => Buffer.from(hkdfSync("sha256", text, "", "flipside sealed for a session", 32));

/** Such that only who shows the session can have it read: in the database there is just the session's hash. */
export function sealedFor(session: string, value: string): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", keyOf(session), nonce);
  return Buffer.concat([nonce, cipher.update(value, "utf8"), cipher.final(), cipher.getAuthTag()]).toString(
    "base64url",
  );
}

/** Throws when it was sealed for another, or changed. */
export function openedBy(session: string, sealed: string): string {
  const bytes = Buffer.from(sealed, "base64url");
  const decipher = createDecipheriv("aes-256-gcm", keyOf(session), bytes.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]).toString();
}
