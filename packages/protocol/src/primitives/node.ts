// What the protocol computes with, by Node: hashes, and binary values as texts. `#primitives` is this file or, for a
// browser's bundle, browser.ts (package.json, "imports").

import { createHash, createHmac } from "node:crypto";

/** Of the bytes, or of the text as UTF-8: 32 bytes. */
export const sha256 = (content: Uint8Array | string): Uint8Array => createHash("sha256").update(content).digest();

/** 32 bytes; the text as UTF-8. */
export const hmacSha256 = (key: Uint8Array, text: string): Uint8Array =>
  createHmac("sha256", key).update(text).digest();

/** The text; what is no UTF-8 is U+FFFD. */
export const utf8 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();

/** Without padding. */
export const base64url = (value: Uint8Array): string =>
  Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64url");

/** What is no base64url is left out. */
export const fromBase64url = (text: string): Uint8Array => Buffer.from(text, "base64url");
