// `flipside attention`

import { command } from "../command-line/command.ts";
import { table } from "../command-line/table.ts";

export const attention = command({
  name: "attention",
  summary: "What needs a person now, the most pressing first, and what can be done",
  about: "Of what your account sees, and may do something about. Nothing is listed when nothing waits for you.",
  options: {},
  examples: ["flipside attention", "flipside attention --json"],
  connects: true,
  run: async ({ connect }) => {
    const answer = await connect()("GET /api/v1/attention");
    const rows = answer.items.map(({ kind, why, rollout }) => [
      kind,
      rollout?.name ?? "",
      why.since ?? "",
      [why.sentence, why.actions.length === 0 ? "" : `You can: ${why.actions.join("; ")}.`].filter(Boolean).join(" "),
    ]);
    const text = rows.length === 0 ? "nothing needs a person" : table(["WHAT", "ROLLOUT", "SINCE", "WHY"], rows);
    return { json: answer, text };
  },
});
