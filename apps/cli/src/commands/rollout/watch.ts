// `flipside rollout watch`

import type { Rollout } from "@flipside/api/types";
import { command, type Invocation } from "../../command-line/command.ts";
import { CommandFailure } from "../../command-line/failures.ts";
import { ProgressBar } from "../../command-line/progress-bar.ts";
import { printDuration, readDuration } from "../../command-line/units.ts";
import { milestoneText, readMilestone } from "../../rollouts/milestone.ts";
import { rolloutText, waveText } from "../../rollouts/rollout-text.ts";
import { watch } from "../../rollouts/watch.ts";

const POLL_MS_DEFAULT = 60_000;
const TIMEOUT_MS_DEFAULT = 24 * 60 * 60 * 1000;

const options = {
  until: {
    value: "MILESTONE",
    what: "completed, or wave:1: past that wave's soak and gates (completed)",
    read: readMilestone,
  },
  timeout: { value: "DURATION", what: "how long at most (24h)", read: readDuration },
  poll: {
    value: "DURATION",
    what: "it is asked for so often though the server says nothing of it (1m)",
    read: readDuration,
  },
} as const;

/** What a bar is of: the present wave, or the whole before there is one. */
function showIn(bar: ProgressBar, { waves, currentWave, state }: Rollout): void {
  const wave = waves[Math.max(currentWave, 0)];
  if (wave !== undefined) bar.show(wave.finished, wave.total, `${state}, ${waveText(wave)}`);
}

/** A way of telling that says a thing once, until it is another. */
function onceEach(tell: (line: string) => void): (line: string) => void {
  let last: string | undefined;
  return (line) => {
    if (line !== last) tell(line);
    last = line;
  };
}

async function run({ options: asked, words, io, say, note, connect }: Invocation<typeof options>) {
  const milestone = asked.until ?? { kind: "completed" };
  const timeoutMs = asked.timeout ?? TIMEOUT_MS_DEFAULT;
  const bar = new ProgressBar(io);
  const silence = onceEach((line) => {
    bar.clear();
    note(line);
  });
  const { standing, rollout } = await watch(connect(), {
    id: words[0]!,
    milestone,
    pollMs: Math.max(asked.poll ?? POLL_MS_DEFAULT, 50),
    timeoutMs,
    onDecision: ({ at, text }) => {
      bar.clear();
      say(`${at}  ${text}`);
    },
    onLook: (looked) => showIn(bar, looked),
    onSilence: ({ message }) => silence(`${message}; asking again`),
  });
  bar.clear();
  if (rollout === undefined)
    throw new CommandFailure(`the server did not answer in ${printDuration(timeoutMs)}`, "unreachable");
  switch (standing) {
    case "reached":
      return { json: rollout, text: rolloutText(rollout) };
    case "no-such-wave":
      throw new CommandFailure(`it has ${rollout.waves.length} waves: --until completed waits for all`, "usage");
    case "timed-out":
      note(`after ${printDuration(timeoutMs)} it is not so that ${milestoneText(milestone)}`);
      return { json: rollout, text: rolloutText(rollout), exit: "timed-out" as const };
    default:
      note(`stopped before ${milestoneText(milestone)}: it is ${rollout.state}`);
      return { json: rollout, text: rolloutText(rollout), exit: "stopped" as const };
  }
}

export const watchRollout = command({
  name: "rollout watch",
  summary: "Follow a rollout until it is done, past a wave's gates, or stopped",
  about:
    "Its decisions are printed as they are made; on a terminal a bar shows the present wave. A server that does not answer is asked again until the time is over.",
  arguments: [{ name: "ROLLOUT", what: "its id" }],
  options,
  examples: [
    "flipside rollout watch 0d9f2c --until wave:1 --timeout 2h",
    "flipside rollout watch 0d9f2c --print state",
  ],
  exits: ["stopped", "timed-out"],
  connects: true,
  run,
});
