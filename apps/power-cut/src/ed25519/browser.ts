// Ed25519 at once, where there is no Node (noble-curves): WebCrypto's answer would come later than the judge is asked.

import { ed25519 } from "@noble/curves/ed25519.js";
import type { Signer, Verifier } from "./node.ts";

/** `publicKey`: 32 bytes. */
export const verifierOf =
  (publicKey: Uint8Array): Verifier =>
  (message, signature) => {
    try {
      return ed25519.verify(signature, message, publicKey, { zip215: false });
    } catch {
      return false;
    }
  };

/** `seed`: 32 bytes. */
export const signerOf = (seed: Uint8Array): Signer => ({
  publicKey: ed25519.getPublicKey(seed),
  sign: (message) => ed25519.sign(message, seed),
});
