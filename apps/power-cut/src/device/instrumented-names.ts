// How an instrumented module (instrument.ts) calls what it brings for the campaign.

/** Exports of boot.wasm and agent.wasm (src/boot/boot.ts, src/agent/main.ts) that may be replaced. */
export const cryptoPrimitives = [
  "sha256",
  "sha256Block",
  "ed25519VerifyParts",
  "ed25519SignParts",
  "ed25519PublicKey",
] as const;
export type CryptoPrimitive = (typeof cryptoPrimitives)[number];

/** WebAssembly module that such imports come from. */
export const CRYPTO_IMPORTS = "crypto";
/** Exported globals are named so, and numbered. */
export const GLOBAL_PREFIX = "global ";
