// `flipside rollout create`

import type { Preflight } from "@flipside/api/types";
import { command, type Invocation } from "../../command-line/command.ts";
import { CommandFailure } from "../../command-line/failures.ts";
import { preflightText } from "../../rollouts/preflight-text.ts";
import { requestOf, requestOptions } from "../../rollouts/request.ts";
import { rolloutText } from "../../rollouts/rollout-text.ts";

const options = {
  ...requestOptions,
  "dry-run": { what: "look only: what it would meet; nothing is made" },
  anyway: { what: "make it although devices would reject the image" },
} as const;

const kindsOf = ({ problems }: Preflight): Set<string> => new Set(problems.map(({ kind }) => kind));

async function run({ options: asked, io, note, connect }: Invocation<typeof options>) {
  const api = connect();
  const request = await requestOf(api, io, asked);
  const preflight = await api("POST /api/v1/rollouts/preflight", { body: request });
  const kinds = kindsOf(preflight);
  if (asked["dry-run"]) {
    const isBad = kinds.has("refused") || kinds.has("fails");
    return { json: preflight, text: preflightText(preflight), ...(isBad ? { exit: "failed" as const } : {}) };
  }
  note(preflightText(preflight));
  if (kinds.has("fails") && !asked.anyway)
    throw new CommandFailure("devices would reject the image: nothing was made. With --anyway it is made all the same");
  const rollout = await api("POST /api/v1/rollouts", { body: request });
  return { json: rollout, text: rolloutText(rollout) };
}

export const createRollout = command({
  name: "rollout create",
  summary: "Start a rollout, after a look at what it would meet",
  about:
    "The look is printed on standard error. A rollout that devices would reject is not made without --anyway; one that only waits for something is. What an option says counts before what --file says.",
  options,
  examples: [
    "flipside rollout create --release 2.0.0 --target 'product = flipside-demo and version < 2.0.0' --wave 5% --wave 25% --wave 100% --soak 10m --threshold 10% --health crashes",
    "flipside rollout create --release 2.0.0 --all --dry-run",
    "flipside rollout create --file rollout.json --print id",
  ],
  connects: true,
  run,
});
