// A shipped module, made ready for a million starts: what is added changes nothing that the module computes.
//
//   - its mutable globals are exported, so that memory and globals can be put back instead of instantiating anew;
//   - on request, the crypto primitives that it exports become imports, so that a host can remember their results: the
//     campaign asks for the same few signatures and hashes again and again.
//
// Everything else stays the bytes that ship: no source is compiled here.

import binaryen from "binaryen";
import { CRYPTO_IMPORTS, type CryptoPrimitive, cryptoPrimitives, GLOBAL_PREFIX } from "./instrumented-names.ts";

/** The primitives' parameters are all i32; whether they return a verdict. */
const signatures: Record<CryptoPrimitive, { parameters: number; hasResult: boolean }> = {
  sha256: { parameters: 3, hasResult: false },
  sha256Block: { parameters: 2, hasResult: false },
  ed25519VerifyParts: { parameters: 6, hasResult: true },
  ed25519SignParts: { parameters: 7, hasResult: false },
  ed25519PublicKey: { parameters: 2, hasResult: false },
};

export function instrument(wasm: Uint8Array, options: { importCrypto: boolean }): Uint8Array<ArrayBuffer> {
  const module = binaryen.readBinary(wasm);
  module.setFeatures(binaryen.Features.All);
  try {
    if (options.importCrypto) importCrypto(module);
    for (let i = 0, exported = 0; i < module.getNumGlobals(); i++) {
      const info = binaryen.getGlobalInfo(module.getGlobalByIndex(i));
      if (info.mutable && !info.module) module.addGlobalExport(info.name, `${GLOBAL_PREFIX}${exported++}`);
    }
    return new Uint8Array(module.emitBinary());
  } finally {
    module.dispose();
  }
}

function importCrypto(module: binaryen.Module): void {
  for (const name of cryptoPrimitives) {
    const reference = module.getExport(name);
    if (!reference) continue;
    const { value: internalName } = binaryen.getExportInfo(reference);
    const { params, results } = binaryen.getFunctionInfo(module.getFunction(internalName));
    const { parameters, hasResult } = signatures[name];
    const isAsExpected =
      binaryen.expandType(params).length === parameters &&
      binaryen.expandType(params).every((type) => type === binaryen.i32) &&
      results === (hasResult ? binaryen.i32 : binaryen.none);
    if (!isAsExpected)
      throw new Error(`the module's export ${name} is not the primitive of that name: parameters or result differ`);
    module.removeExport(name);
    module.removeFunction(internalName);
    module.addFunctionImport(internalName, CRYPTO_IMPORTS, name, params, results);
  }
}
