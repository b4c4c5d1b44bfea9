// The modules of a campaign: the shipped .wasm of boot loader and agent, instrumented.

import { instrument } from "./instrument.ts";
import { ModuleInstance } from "./module-instance.ts";
import { RememberedCrypto } from "./remembered-crypto.ts";
import { Exo } from "@flipside/machine/abi";

export interface LoadedModules {
  boot: WebAssembly.Module;
  agent: WebAssembly.Module;
  crypto: RememberedCrypto;
  /** What a build for a test imports besides. */
  others?: WebAssembly.Imports;
}

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
  const absent = new Proxy({}, { get: () => () => Exo.Absent, has: () => true });
  const remembered = (): RememberedCrypto =>
    new RememberedCrypto(
      new ModuleInstance(
        new WebAssembly.Module(instrument(agentWasm, { importCrypto: false })),
        () => ({ exo: absent, crypto: {} }),
        options.others,
      ),
    );
  return {
    boot: new WebAssembly.Module(instrument(bootWasm, { importCrypto })),
    agent: new WebAssembly.Module(instrument(agentWasm, { importCrypto })),
    crypto: options.crypto ?? remembered(),
    ...(options.others ? { others: options.others } : {}),
  };
}
