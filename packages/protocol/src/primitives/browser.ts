// What the protocol computes with, where there is no Node. A browser's own hashes (crypto.subtle) come later than they
// are asked for, and only to pages from https or this machine; a stand-in for a server answers at once, anywhere.

import { hmac } from "@noble/hashes/hmac.js";
import { sha256 as hash } from "@noble/hashes/sha2.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Of the bytes, or of the text as UTF-8: 32 bytes. */
export const sha256 = (content: Uint8Array | string): Uint8Array =>
  hash(typeof content === "string" ? encoder.encode(content) : content);

/** 32 bytes; the text as UTF-8. */
export const hmacSha256 = (key: Uint8Array, text: string): Uint8Array => hmac(hash, key, encoder.encode(text));

/** The text; what is no UTF-8 is U+FFFD. */
export const utf8 = (bytes: Uint8Array): string => decoder.decode(bytes);

/** Without padding. */
export function base64url(value: Uint8Array): string {
  let binary = "";
  for (const byte of value) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** What is no base64url is left out. */
export function fromBase64url(text: string): Uint8Array {
  const digits = text
    .replace(/[^A-Za-z0-9_-]/g, "")
    .replaceAll("-", "+")
    .replaceAll("_", "/");
  // One digit alone is no byte.
  return Uint8Array.from(atob(digits.length % 4 === 1 ? digits.slice(0, -1) : digits), (c) => c.charCodeAt(0));
}
