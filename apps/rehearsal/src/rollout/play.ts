// Plays what a server has asked for: each world so many times, with the seed, the seed + 1, and so on. The answer
// depends on nothing but what was asked and the model.

import { fileURLToPath } from "node:url";
import type { RehearsalAnswer } from "@flipside/api/types";
import { type Play, worldKindsOf } from "../../../server/src/features/rehearsals/player-words.ts";
import { loadServer } from "../server/server-code.ts";
import { makePairOfReleases } from "../server/project.ts";
import { leaveRealMachine, Machine, runOn } from "../world/machine.ts";
import { Random } from "../world/random.ts";
import { Schedule } from "../world/schedule.ts";
import { answerOf, worldOf } from "./answer.ts";
import { makeFleetTemplate } from "./fleet-template.ts";
import { habitsOf } from "./habits.ts";
import type { RunOutcome } from "./outcome.ts";
import { paceOf } from "./pace.ts";
import { playRun, type RolloutStage } from "./run.ts";

const serverSources = fileURLToPath(new URL("../../../server/src", import.meta.url));
/** Before the runs begin, the devices are enrolled. */
const beforeMs = 30 * 86_400_000;

/** The process leaves the real machine for the simulated one, for good. */
export async function openRolloutStage({ asked, model, folder }: Omit<Play, "runs">): Promise<RolloutStage> {
  leaveRealMachine();
  runOn(new Machine(new Schedule(), Random.of(0, "stage"), 0));
  const pace = paceOf(model, asked.rollout);
  const project = await makePairOfReleases();
  const settings = { project, startServer: await loadServer(serverSources), ...pace };
  const supposed = { kind: "good", asked, seed: 0 } as const;
  const calm = { ...model, crashesPerDeviceDay: 0 };
  const devices = model.waves
    .flatMap((wave) => wave.devices)
    .map((device) => ({
      id: device.id,
      habits: habitsOf(device, { model: calm, project, supposed, isHarmed: false }),
    }));
  const template = await makeFleetTemplate(settings, devices, { startedAtMs: model.atMs - beforeMs, root: folder });
  return { settings, template, model, asked, pace };
}

/** `onProgress` is told of each run. */
export async function playRollout(
  play: Play,
  onProgress: (done: number, total: number) => void,
): Promise<RehearsalAnswer> {
  const { asked, model, runs } = play;
  const stage = await openRolloutStage(play);
  const kinds = worldKindsOf(asked);
  let done = 0;
  const worlds = [];
  for (const kind of kinds) {
    const outcomes: RunOutcome[] = [];
    for (let run = 0; run < runs; run++) {
      outcomes.push(await playRun(stage, { kind, asked, seed: asked.seed + run }));
      onProgress(++done, runs * kinds.length);
    }
    worlds.push(worldOf(kind, { model, asked, outcomes }));
  }
  return answerOf(model, asked, { runs, worlds, pollMs: stage.pace.pollMs });
}
