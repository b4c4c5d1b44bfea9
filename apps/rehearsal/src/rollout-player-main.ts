// The process that plays one rollout for a server (apps/server/src/features/rehearsals/player.ts): what is to be played
// comes over IPC, progress and the answer go back. It ends when the server is gone.

import { rmSync } from "node:fs";
import type { Play, Played } from "../../server/src/features/rehearsals/player-words.ts";
import { playRollout } from "./rollout/play.ts";

process.once("disconnect", () => process.exit(0));
const say = (said: Played): void => void process.send!(said);
process.once("message", (play: Play) => {
  process.once("exit", () => rmSync(play.folder, { recursive: true, force: true }));
  playRollout(play, (done, total) => say({ done, total })).then(
    (answer) => say({ answer }),
    (error: unknown) => say({ fault: `It could not be played to its end: ${(error as Error).message}` }),
  );
});
