// `flipside rollout rollback`

import { command } from "../../command-line/command.ts";
import { readWaveNumber } from "../../rollouts/read-wave.ts";
import { rolloutText } from "../../rollouts/rollout-text.ts";

export const rollBackRollout = command({
  name: "rollout rollback",
  summary: "Who was updated goes back to what it came from; the rollout is over",
  about:
    "By rollouts of their own, which `flipside rollout list` shows. The decisions of this one (`flipside rollout show`) say who stays, and why: as where the earlier release was never pushed.",
  arguments: [{ name: "ROLLOUT", what: "its id" }],
  options: { wave: { value: "N", what: "of this wave alone, from 1", read: readWaveNumber } },
  examples: ["flipside rollout rollback 0d9f2c", "flipside rollout rollback 0d9f2c --wave 1"],
  connects: true,
  run: async ({ options, words, connect }) => {
    const rollout = await connect()("POST /api/v1/rollouts/:id/roll-back", {
      params: { id: words[0]! },
      body: options.wave === undefined ? {} : { wave: options.wave - 1 },
    });
    return { json: rollout, text: rolloutText(rollout) };
  },
});
