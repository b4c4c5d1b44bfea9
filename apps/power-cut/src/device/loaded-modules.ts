// What a campaign runs, ready to be started again and again. Needs nothing of Node: a browser gets the same modules,
// instrumented where the page was built.

import { Exo } from "@flipside/machine/abi";
import { ModuleInstance } from "./module-instance.ts";
import { RememberedCrypto } from "./remembered-crypto.ts";

export interface LoadedModules {
  boot: WebAssembly.Module;
  agent: WebAssembly.Module;
  crypto: RememberedCrypto;
  /** What a build for a test imports besides. */
  others?: WebAssembly.Imports;
}

const absent = new Proxy({}, { get: () => () => Exo.Absent, has: () => true });

/** `agent`: instrumented, with its crypto in it: it computes what is not remembered yet. */
export const rememberedCryptoOf = (agent: WebAssembly.Module, others?: WebAssembly.Imports): RememberedCrypto =>
  new RememberedCrypto(new ModuleInstance(agent, () => ({ exo: absent, crypto: {} }), others));
