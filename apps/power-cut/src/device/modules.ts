// The modules of a campaign: the shipped .wasm of boot loader and agent, instrumented.

import { instrument } from "./instrument.ts";
import { type LoadedModules, rememberedCryptoOf } from "./loaded-modules.ts";
import type { RememberedCrypto } from "./remembered-crypto.ts";

/**
 * `unchanged`: crypto stays in the modules, as it ships; slower, and the judge of the other way. `crypto`: what is
 * remembered already, by other modules with the same primitives. `others`: what a build for a test imports besides.
 */
export function loadModules(
  bootWasm: Uint8Array,
  agentWasm: Uint8Array,
  options: { unchanged: boolean; crypto?: RememberedCrypto; others?: WebAssembly.Imports },
): LoadedModules {
  const importCrypto = !options.unchanged;
  const module = (wasm: Uint8Array, isImporting: boolean): WebAssembly.Module =>
    new WebAssembly.Module(instrument(wasm, { importCrypto: isImporting }));
  return {
    boot: module(bootWasm, importCrypto),
    agent: module(agentWasm, importCrypto),
    crypto: options.crypto ?? rememberedCryptoOf(module(agentWasm, false), options.others),
    ...(options.others ? { others: options.others } : {}),
  };
}
