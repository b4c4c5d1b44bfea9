// The processes that play rehearsals, one a core: seeds go to whoever is free.

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Outcome } from "./rehearsal.ts";

export const realServerSources = fileURLToPath(new URL("../../server/src", import.meta.url));

export interface Play {
  serverSources: string;
  /** The seeds, one after the other; undefined: there are no more. */
  next(): number | undefined;
  onOutcome(outcome: Outcome): void;
  processes: number;
}

export async function play({ serverSources, next, onOutcome, processes }: Play): Promise<void> {
  const runPlayer = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const player: ChildProcess = fork(fileURLToPath(new URL("./player-main.ts", import.meta.url)), [serverSources], {
        execArgv: ["--import", "tsx"],
        stdio: ["ignore", "inherit", "inherit", "ipc"],
      });
      let isOver = false;
      const give = (): void => {
        const seed = next();
        if (seed !== undefined) return void player.send(seed);
        isOver = true;
        player.disconnect();
      };
      player.on("message", (message: Outcome | "open") => {
        if (message !== "open") onOutcome(message);
        give();
      });
      player.once("error", reject);
      player.once("exit", (code, signal) =>
        isOver ? resolve() : reject(new Error(`a process that plays rehearsals ended with ${signal ?? code}`)),
      );
    });
  await Promise.all(Array.from({ length: processes }, runPlayer));
}
