// Ed25519 keys: raw public keys (32 bytes) and their ids; private keys are JWKs in files of their own, read by the
// build.

import { exportJWK, generateKeyPair, type JWK } from "jose";
import { KEY_ID_BYTES } from "./portable/image-header.ts";

export interface SigningKey {
  /** The whole JWK, with `d`. */
  privateJwk: JWK;
  /** 32 bytes. */
  publicKey: Uint8Array;
}

export async function generateSigningKey(): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair("Ed25519", { extractable: true });
  return signingKeyFromJwk(await exportJWK(privateKey));
}

/** Throws when the JWK is no private Ed25519 key. */
export function signingKeyFromJwk(jwk: JWK): SigningKey {
  if (jwk.kty !== "OKP" || jwk.crv !== "Ed25519" || typeof jwk.x !== "string" || typeof jwk.d !== "string") {
    throw new Error("not a private Ed25519 JWK: expected kty OKP, crv Ed25519, x and d");
  }
  return { privateJwk: jwk, publicKey: fromBase64Url(jwk.x) };
}

/** First 8 bytes of SHA-256 of the public key. */
export async function keyIdOf(publicKey: Uint8Array): Promise<Uint8Array> {
  return (await sha256(publicKey)).slice(0, KEY_ID_BYTES);
}

export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || /[^0-9a-fA-F]/.test(text)) throw new Error(`not hexadecimal: "${text.slice(0, 80)}"`);
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

export function toBase64Url(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

export function fromBase64Url(text: string): Uint8Array {
  if (/[^A-Za-z0-9_-]/.test(text)) throw new Error("not base64url");
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}
