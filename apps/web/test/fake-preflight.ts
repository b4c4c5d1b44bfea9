// What a rollout would meet in the fake server's fleet: whom it is for and in which waves, as the real one has it.

import { fits, runsNewer } from "@flipside/api/release-fit";
import { dealtInWaves, filterOf } from "@flipside/api/rollout-arithmetic";
import type { CompleteNewRollout, Device, Preflight, Release } from "@flipside/api/types";
import { matcherOf, parseFilter } from "@flipside/device-filter";
import { preflight } from "./fixtures.ts";

/** `meant`: the devices that the target means. */
export function preflightOf(request: CompleteNewRollout, release: Release, meant: readonly Device[]): Preflight {
  const chosen = meant.filter((device) => fits(release, device));
  const matches = request.waves.map((wave) =>
    matcherOf(parseFilter(filterOf(wave) ?? "has id"), { nowMs: Date.now(), releaseOf: () => undefined }),
  );
  const dealt = dealtInWaves(request.waves, chosen, (wave, device) => matches[wave]!(device));
  return preflight({
    matched: meant.length,
    chosen: chosen.length,
    newer: chosen.filter(({ running }) => runsNewer(running, release)).length,
    waves: dealt.map((devices, index) => ({
      index,
      total: devices.length,
      filter: (request.waves[index] && filterOf(request.waves[index])) ?? null,
      alreadyThere: 0,
      offline: devices.filter(({ online }) => !online).length,
    })),
  });
}
