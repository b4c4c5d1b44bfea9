// Where rehearsals are played: a process that has left the real machine for the simulated one, with the server's code
// loaded.

import { buildStrictVerifier } from "../../../packages/image-format/assembly/build-strict-verifier.ts";
import type { Stage } from "./rehearsal.ts";
import { makeProject } from "./server/project.ts";
import { loadServer } from "./server/server-code.ts";
import { makeTemplate } from "./server/template.ts";
import { leaveRealMachine, Machine, runOn } from "./world/machine.ts";
import { Random } from "./world/random.ts";
import { Schedule } from "./world/schedule.ts";

/** `serverSources`: the folder `src` of the server that is rehearsed. There is no way back to the real machine. */
export async function openStage(serverSources: string): Promise<Stage> {
  await buildStrictVerifier();
  leaveRealMachine();
  runOn(new Machine(new Schedule(), Random.of(0, "stage"), 0));
  const startServer = await loadServer(serverSources);
  const settings = { project: await makeProject(), startServer };
  return { settings, template: await makeTemplate(settings) };
}
