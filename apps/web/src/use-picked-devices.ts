// The devices that are picked by hand. Of those that were picked elsewhere (a draft that was kept, a rollout that is
// made again) only the ids are known: the server is asked about them.

import { useCallback, useEffect, useState } from "react";
import { pageMembersMax } from "@flipside/api/limits";
import type { ProblemError } from "@flipside/api/problem";
import type { Device } from "@flipside/api/types";
import { devicePage } from "./api/devices.ts";
import { asProblem } from "./api/problem.ts";
import { idFilters } from "./live/presence.ts";

/** Undefined of an id: there is no such device, or not for who asks. */
type Known = ReadonlyMap<string, Device | undefined>;

async function lookUp(ids: readonly string[]): Promise<Known> {
  const known = new Map<string, Device | undefined>(ids.map((id) => [id, undefined]));
  for (const filter of idFilters(ids)) {
    const { devices } = await devicePage({ filter, limit: String(pageMembersMax) });
    for (const device of devices) known.set(device.id, device);
  }
  return known;
}

export interface PickedDevices {
  /** Undefined: not all of them are known yet. */
  devices: readonly Device[] | undefined;
  problem: ProblemError | undefined;
  again: () => void;
  /** Takes what a list has shown. */
  learn: (devices: readonly Device[]) => void;
}

export function usePickedDevices(picked: ReadonlySet<string>, isWanted: boolean): PickedDevices {
  const [known, setKnown] = useState<Known>(new Map());
  const [problem, setProblem] = useState<ProblemError>();
  const add = useCallback((more: Known) => setKnown((before) => new Map([...before, ...more])), []);
  const learn = useCallback(
    (devices: readonly Device[]) => add(new Map(devices.map((device) => [device.id, device]))),
    [add],
  );
  const again = useCallback(() => setProblem(undefined), []);
  const ids = [...picked];
  const isKnown = ids.every((id) => known.has(id));
  useEffect(() => {
    if (!isWanted || isKnown || problem !== undefined) return undefined;
    let isCurrent = true;
    lookUp([...picked].filter((id) => !known.has(id))).then(
      (more) => isCurrent && add(more),
      (thrown) => isCurrent && setProblem(asProblem(thrown)),
    );
    return () => {
      isCurrent = false;
    };
  }, [picked, known, isKnown, isWanted, problem, add]);
  const devices = isKnown ? ids.flatMap((id) => known.get(id) ?? []) : undefined;
  return { devices, problem, again, learn };
}
