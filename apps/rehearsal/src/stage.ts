// Where rehearsals are played: a process that has left the real machine for the simulated one, with the server's code
// loaded.

import { buildStrictVerifier } from "../../../packages/image-format/assembly/build-strict-verifier.ts";
import type { Stage } from "./rehearsal.ts";
import { flashOf, openWorkshop } from "./device/real/workshop.ts";
import { makeProject } from "./server/project.ts";
import { loadServer } from "./server/server-code.ts";
import { makeTemplate } from "./server/template.ts";
import { leaveRealMachine, Machine, runOn } from "./world/machine.ts";
import { Random } from "./world/random.ts";
import { Schedule } from "./world/schedule.ts";

/** `serverSources`: the folder `src` of the server that is rehearsed. There is no way back to the real machine. */
export async function openStage(serverSources: string): Promise<Stage> {
  await buildStrictVerifier();
  const workshop = await openWorkshop();
  leaveRealMachine();
  runOn(new Machine(new Schedule(), Random.of(0, "stage"), 0));
  const startServer = await loadServer(serverSources);
  const project = await makeProject(workshop);
  const settings = { project, startServer };
  const template = await makeTemplate(settings);
  const made = { trustChain: project.trustChain, image: project.realFactoryImage };
  const flashes = new Map<string, Uint8Array>();
  for (const identity of template.identities) flashes.set(identity.id, await flashOf(workshop, identity, made));
  return { settings, template, workshop, flashes };
}
