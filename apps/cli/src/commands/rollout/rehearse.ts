// `flipside rollout rehearse`

import type { Client } from "@flipside/api/client";
import { badCodes, seedMax } from "@flipside/api/limits";
import type { NewRehearsal, Rehearsal } from "@flipside/api/types";
import { command, type Invocation } from "../../command-line/command.ts";
import { CommandFailure, UsageError } from "../../command-line/failures.ts";
import type { OptionsOf } from "../../command-line/command.ts";
import { ProgressBar } from "../../command-line/progress-bar.ts";
import { printDuration, readDuration, readPercent, readWhole } from "../../command-line/units.ts";
import { rehearsalText } from "../../rollouts/rehearsal-text.ts";
import { requestOf, requestOptions } from "../../rollouts/request.ts";

const pollMs = 500;
const timeoutMsDefault = 60 * 60 * 1000;

const options = {
  ...requestOptions,
  seed: { value: "N", what: "all chance is drawn from it (one is drawn, and shown)", read: readWhole(0, seedMax) },
  "bad-percent": {
    value: "PERCENT",
    what: "a bad image fails its trial on so many devices; 0%: not played (20%)",
    read: readPercent,
  },
  "bad-code": { value: "CODE", what: "how it fails (app-unhealthy)", oneOf: badCodes },
  "bad-hardware": { value: "NAME", what: "on this hardware alone" },
  "late-percent": {
    value: "PERCENT",
    what: "an image that is bad late crashes on so many devices; 0%: not played (20%)",
    read: readPercent,
  },
  "late-crash-every": { value: "DURATION", what: "from one crash to the next, in the mean (1h)", read: readDuration },
  "approval-after": { value: "DURATION", what: "a wave waits for approval for so long (0s)", read: readDuration },
  timeout: { value: "DURATION", what: "how long the answer is waited for (1h)", read: readDuration },
} as const;

type Options = OptionsOf<typeof options>;

function worldsOf(asked: Options): Pick<NewRehearsal, "bad" | "late"> {
  const { "bad-percent": badPercent, "late-percent": latePercent, "late-crash-every": crashEveryMs } = asked;
  const { "bad-code": code, "bad-hardware": hardware } = asked;
  if (badPercent === 0 && (code !== undefined || hardware !== undefined))
    throw new UsageError("--bad-code and --bad-hardware are of a bad image: leave --bad-percent 0% out");
  if (latePercent === 0 && crashEveryMs !== undefined)
    throw new UsageError("--late-crash-every is of an image that is bad late: leave --late-percent 0% out");
  const given = <T extends object>(parts: T): T =>
    Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as T;
  return {
    bad: badPercent === 0 ? null : given({ percent: badPercent, code: code as (typeof badCodes)[number], hardware }),
    late: latePercent === 0 ? null : given({ percent: latePercent, crashEveryMs }),
  };
}

const isOver = ({ state }: Rehearsal): boolean => state !== "queued" && state !== "running";

/** Undefined: it is not over in time. */
async function answered(api: Client, id: string, timeoutMs: number, bar: ProgressBar): Promise<Rehearsal | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const rehearsal = await api("GET /api/v1/rehearsals/:id", { params: { id } });
    if (isOver(rehearsal)) return rehearsal;
    if (performance.now() > deadline) return undefined;
    const { done, total } = rehearsal.progress;
    if (total > 0) bar.show(done, total, "runs");
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** A good image that does not come to every device is stopped by the rollout's own rules. */
const stopsGoodImage = ({ answer }: Rehearsal): boolean =>
  answer?.worlds.find(({ kind }) => kind === "good")?.gates.length !== 0;

async function run({ options: asked, io, note, connect }: Invocation<typeof options>) {
  const api = connect();
  const worlds = worldsOf(asked);
  const rollout = await requestOf(api, io, asked);
  const { seed, "approval-after": approvalAfterMs, timeout = timeoutMsDefault } = asked;
  const begun = await api("POST /api/v1/rehearsals", {
    body: {
      ...{ rollout, ...worlds },
      ...(seed === undefined ? {} : { seed }),
      ...(approvalAfterMs === undefined ? {} : { approvalAfterMs }),
    },
  });
  const bar = new ProgressBar(io);
  const rehearsal = await answered(api, begun.id, timeout, bar);
  bar.clear();
  if (rehearsal === undefined)
    throw new CommandFailure(`rehearsal ${begun.id} has no answer after ${printDuration(timeout)}`, "timed-out");
  const result = { json: rehearsal, text: rehearsalText(rehearsal) };
  if (rehearsal.state !== "done") return { ...result, exit: "failed" as const };
  if (!stopsGoodImage(rehearsal)) return result;
  note("a good image is stopped by the rollout's own rules");
  return { ...result, exit: "stopped" as const };
}

export const rehearseRollout = command({
  name: "rollout rehearse",
  summary: "Play a rollout in simulation: how long it takes, and what a bad image would cost",
  about:
    "No device hears of it. The server plays it against a model of the fleet (docs/rehearsal.md) and answers in minutes: with a good image, with a bad one, and with one that is bad late. The seed is printed; the same seed and model give the same answer.",
  options,
  examples: [
    "flipside rollout rehearse --release 2.0.0 --all --wave 5% --wave 100% --soak 30m --threshold 10%",
    "flipside rollout rehearse --file rollout.json --bad-percent 50% --bad-code crashed --seed 7 --json",
  ],
  exits: ["stopped", "timed-out"],
  connects: true,
  run,
});
