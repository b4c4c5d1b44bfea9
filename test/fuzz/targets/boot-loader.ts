// The real boot loader on a fuzzed device: made by the factory, and run from its first instruction again and again.

import { join } from "node:path";
import type { BootRecord } from "@flipside/image-format";
import { agentSources } from "../../../apps/agent/build/paths.ts";
import { bootGrants } from "@flipside/machine/grants";
import { newestRecord } from "../../power-cut/flash-contents.ts";
import { compileForFuzzing, type Patch } from "../engine/compile.ts";
import { FuzzInstance } from "../engine/instance.ts";
import { factoryZones, layout } from "./device-images.ts";
import { DeviceHost, Left } from "./device-host.ts";

/** Loops and calls of a boot that reads all zones and hashes two slots. */
export const FUEL = 60_000_000;
export interface Boot {
  host: DeviceHost;
  instance: FuzzInstance;
  /** Runs the loader from its first instruction; what it started, or undefined when it returned. */
  boot(): Left | undefined;
}

export async function openBoot(patches: Patch[] = []): Promise<Boot> {
  const fuzzed = await compileForFuzzing(join(agentSources, "boot/boot.ts"), 1, patches);
  const host: DeviceHost = new DeviceHost(layout, () => instance, bootGrants);
  const instance: FuzzInstance = new FuzzInstance(fuzzed, () => host.imports);
  const start = instance.save();
  const zones = await factoryZones();
  host.rootKeys = zones.rootKeys;
  host.zone("factory").set(zones.factory);
  // Only the second copy: the first costs a signature more for each boot.
  host.zone("trust").set(zones.trust, layout.sectorBytes);
  return {
    host,
    instance,
    boot() {
      instance.restore(start);
      instance.begin(FUEL);
      host.lines = "";
      try {
        instance.exports.boot!();
        return undefined;
      } catch (error) {
        if (error instanceof Left) return error;
        throw error;
      }
    },
  };
}

/** As newestRecord; where both sectors name the same epoch and page, which no wear brings about, the second one's. */
export function newestOf(host: DeviceHost): BootRecord | undefined {
  const [first, second] = [0, 1].map((sector) => {
    const copy = host.flash.slice();
    const { offsetBytes } = layout.zones.bootControl;
    copy.fill(0xff, offsetBytes + (1 - sector) * layout.sectorBytes, offsetBytes + (2 - sector) * layout.sectorBytes);
    return newestRecord(layout, copy);
  });
  if (!first || !second) return first ?? second;
  // Epochs wrap at 2^32 (RFC 1982).
  const ahead = (first.epoch - second.epoch) | 0;
  return ahead > 0 || (ahead === 0 && first.page > second.page) ? first : second;
}
