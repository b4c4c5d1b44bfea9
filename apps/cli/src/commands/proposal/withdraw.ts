// `flipside proposal withdraw`

import { command } from "../../command-line/command.ts";

export const withdrawProposal = command({
  name: "proposal withdraw",
  summary: "Let what was asked for not be done",
  arguments: [{ name: "ID", what: "as flipside proposal list has it" }],
  options: {},
  examples: ["flipside proposal withdraw 5f0c2a7d9e1b3c4d5e6f"],
  connects: true,
  run: async ({ words, connect }) => {
    const proposal = await connect()("POST /api/v1/proposals/:id/withdraw", { params: { id: words[0]! } });
    return { json: proposal, text: `${proposal.operation}, which ${proposal.by} asked for, will not be done` };
  },
});
