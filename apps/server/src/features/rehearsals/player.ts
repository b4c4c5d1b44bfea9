// The process that plays a rehearsal: one of its own, since it puts clocks, timers and random numbers of its own in
// place of Node's. It is bounded in memory and in time, gives way to the server's own work, has nothing of the server's
// environment, and ends with the server: when the channel between them is gone, it ends itself.

import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { setPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RehearsalAnswer } from "@flipside/api/types";
import type { Play, Played } from "./player-words.ts";

const playerPath = fileURLToPath(new URL("../../../../rehearsal/src/rollout-player-main.ts", import.meta.url));
const heapMiBMax = 768;
/** Of `nice`: everything else comes first. */
const niceness = 10;
const errorCharactersMax = 2_000;

export type Outcome =
  | { kind: "answer"; answer: RehearsalAnswer }
  /** Why there is none. */
  | { kind: "failed"; why: string }
  | { kind: "ended" };

export interface Player {
  /** Never rejects. */
  outcome: Promise<Outcome>;
  readonly pid: number | undefined;
  /** Ends the process; resolves when it is gone. */
  end(): Promise<void>;
}

/** Of the environment, what a program needs to start at all: no secret is in it. */
const bareEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    ["PATH", "TMPDIR", "SYSTEMROOT"].flatMap((name) =>
      process.env[name] === undefined ? [] : [[name, process.env[name]]],
    ),
  );

/** Memory, where the system has a file system of it: a rehearsal commits thousands of times. */
function workFolder(): string {
  try {
    return mkdtempSync("/dev/shm/flipside-rehearsal-");
  } catch {
    return mkdtempSync(join(tmpdir(), "flipside-rehearsal-"));
  }
}

function giveWay(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, niceness);
  } catch {
    // It has ended already, or the system has no such thing.
  }
}

export function startPlayer(
  play: Omit<Play, "folder">,
  { deadlineMs, onProgress }: { deadlineMs: number; onProgress: (done: number, total: number) => void },
): Player {
  const folder = workFolder();
  const child = fork(playerPath, [], {
    execArgv: [`--max-old-space-size=${heapMiBMax}`, "--import", import.meta.resolve("tsx")],
    env: bareEnvironment(),
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  giveWay(child.pid);
  let result: Outcome | undefined;
  let errors = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (errors = (errors + text).slice(-errorCharactersMax)));
  const finish = (outcome: Outcome): void => {
    result ??= outcome;
    child.kill("SIGKILL");
  };
  const minutes = Math.round(deadlineMs / 60_000);
  const timer = setTimeout(
    () =>
      finish({
        kind: "failed",
        why: `It was not done after ${minutes} min. Shorten soak times and deadlines, or narrow the target.`,
      }),
    deadlineMs,
  );
  child.on("message", (said: Played) => {
    if ("answer" in said) finish({ kind: "answer", answer: said.answer });
    else if ("fault" in said) finish({ kind: "failed", why: said.fault });
    else onProgress(said.done, said.total);
  });
  const outcome = new Promise<Outcome>((resolve) => {
    child.once("error", (error) => {
      result ??= { kind: "failed", why: `The program that plays it could not be started: ${error.message}` };
      resolve(result);
    });
    child.once("close", (code, signal) =>
      resolve(
        result ?? { kind: "failed", why: `The program that plays it ended with ${signal ?? code}. ${errors}`.trim() },
      ),
    );
  }).finally(() => {
    clearTimeout(timer);
    rmSync(folder, { recursive: true, force: true });
  });
  // What is said to one that has ended at once is of no use.
  child.send({ ...play, folder } satisfies Play, () => {});
  return {
    outcome,
    pid: child.pid,
    async end() {
      finish({ kind: "ended" });
      await outcome;
    },
  };
}
