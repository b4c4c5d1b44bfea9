// The boot loader: for the boot bank of a unikernel, and as boot.wasm for virtual devices.

import { join } from "node:path";
import { compileWasm, translateToC } from "./compile-module.ts";
import { type FeatureChoice, featureTexts } from "./features.ts";
import { linkProgram, type LinkedProgram, type LinkOptions } from "./link.ts";
import { agentSources } from "./paths.ts";
import { memoryPages } from "@flipside/machine/factory/targets";

export function buildBootWasm(features: FeatureChoice = {}): Promise<string> {
  return compileWasm({
    name: "boot",
    entry: join(agentSources, "boot/boot.ts"),
    memoryPages: memoryPages.boot,
    texts: featureTexts("loader", features),
  });
}

export async function buildLoader(
  options: Pick<LinkOptions, "flashFaults"> & { features?: FeatureChoice } = {},
): Promise<LinkedProgram> {
  const folder = await translateToC("boot", await buildBootWasm(options.features), memoryPages.boot);
  return linkProgram("loader", [{ name: "boot", folder, memoryPages: memoryPages.boot }], options);
}
