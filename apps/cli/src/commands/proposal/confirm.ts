// `flipside proposal confirm`

import { command } from "../../command-line/command.ts";

export const confirmProposal = command({
  name: "proposal confirm",
  summary: "Confirm what somebody else asked for: it is done now",
  about: "With --json or --print answer what the operation itself answers is told, such as a new account's password.",
  arguments: [{ name: "ID", what: "as flipside proposal list has it" }],
  options: {},
  examples: ["flipside proposal confirm 5f0c2a7d9e1b3c4d5e6f"],
  connects: true,
  run: async ({ words, connect }) => {
    const confirmed = await connect()("POST /api/v1/proposals/:id/confirm", { params: { id: words[0]! } });
    const { operation, by } = confirmed.proposal;
    return { json: confirmed, text: `${operation}, which ${by} asked for, is done` };
  },
});
