// What real devices are made of: the loader and the agent as .wasm, payloads whose apps are good, crash or are
// unhealthy, and a flash as the factory makes it. Compiled once and kept (apps/agent/build/cache.ts).

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { factoryFlash } from "@flipside/machine/factory/factory-flash";
import { type FlashLayout, KIB, layoutOf } from "@flipside/machine/factory/flash-layout";
import { memoryPages, PRODUCT, virtualTarget } from "@flipside/machine/factory/targets";
import { buildBundle } from "@flipside/machine/wasm-bundle";
import { buildBootWasm } from "../../../../agent/build/build-loader.ts";
import { compileWasm } from "../../../../agent/build/compile-module.ts";
import { agentSources, repositoryRoot } from "../../../../agent/build/paths.ts";
import type { Identity } from "../conversation.ts";

/** How an image's app behaves on every device that runs it. */
export type AppKind = "good" | "crashing" | "unhealthy";

export interface Workshop {
  layout: FlashLayout;
  bootWasm: Uint8Array;
  payloads: Readonly<Record<AppKind, Uint8Array>>;
  /** Held so that the engine keeps what it compiled, from boot to boot. */
  compiled: readonly WebAssembly.Module[];
}

const faultyApps = join(repositoryRoot, "test/end-to-end/faulty-images");
const appEntries: Record<AppKind, string> = {
  good: join(agentSources, "app/main.ts"),
  crashing: join(faultyApps, "app-crash.ts"),
  unhealthy: join(faultyApps, "app-unhealthy.ts"),
};

/** Before the real machine is left: the compiler takes what time it takes. */
export async function openWorkshop(): Promise<Workshop> {
  const entry = join(agentSources, "agent/main.ts");
  const agent = readFileSync(await compileWasm({ name: "agent", entry, memoryPages: memoryPages.agent }));
  const bootWasm = new Uint8Array(readFileSync(await buildBootWasm()));
  const compiled = [new WebAssembly.Module(new Uint8Array(agent)), new WebAssembly.Module(bootWasm)];
  const payloadWith = async (kind: AppKind): Promise<Uint8Array> => {
    const app = await compileWasm({ name: "app", entry: appEntries[kind], memoryPages: memoryPages.app });
    return buildBundle(agent, readFileSync(app));
  };
  return {
    layout: layoutOf({ sectorBytes: 16 * KIB, pageBytes: 4 * KIB, slotBytes: 160 * KIB }),
    bootWasm,
    payloads: {
      good: await payloadWith("good"),
      crashing: await payloadWith("crashing"),
      unhealthy: await payloadWith("unhealthy"),
    },
    compiled,
  };
}

/** As it leaves the factory, with `image` in slot A. */
export async function flashOf(
  { layout }: Workshop,
  { id, keySeed, claimSecret }: Identity,
  made: { trustChain: Uint8Array; image: Uint8Array },
): Promise<Uint8Array> {
  return factoryFlash({
    layout,
    identity: {
      deviceId: id,
      product: PRODUCT,
      hardware: { name: virtualTarget.hardwareName, revision: virtualTarget.revision },
      server: { host: "rehearsal", port: 1883 },
      deviceKey: keySeed,
      claimSecret,
    },
    ...made,
  });
}
