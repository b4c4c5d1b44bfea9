// A process that plays rehearsals: seeds come over IPC, outcomes go back. Its argument is the server's sources.

import { rehearse } from "./rehearsal.ts";
import { openStage } from "./stage.ts";

const [serverSources] = process.argv.slice(2);
// There are no more seeds, or whoever gave them is gone.
process.once("disconnect", () => process.exit(0));
const stage = await openStage(serverSources!);
process.on("exit", () => stage.template.remove());
process.on("message", (seed: number) => {
  rehearse(stage, seed).then(
    (outcome) => process.send!(outcome),
    (error: unknown) => {
      process.stderr.write(`seed ${seed}: ${(error as Error).stack ?? String(error)}\n`);
      process.exit(1);
    },
  );
});
process.send!("open");
