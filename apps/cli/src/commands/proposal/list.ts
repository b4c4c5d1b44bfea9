// `flipside proposal list`

import { everyPage } from "@flipside/api/every-page";
import type { Proposal } from "@flipside/api/types";
import { command } from "../../command-line/command.ts";
import { table } from "../../command-line/table.ts";

export const listProposals = command({
  name: "proposal list",
  summary: "What waits for a second person, or did",
  options: {},
  examples: ["flipside proposal list"],
  connects: true,
  run: async ({ connect }) => {
    const api = connect();
    const proposals = await everyPage<Proposal>(async (query) => {
      const page = await api("GET /api/v1/proposals", { query });
      return { members: page.proposals, next: page.next };
    });
    const rows = proposals.map(({ id, state, by, operation, on, endsAt }) => [
      ...[id, state, by, operation, Object.values(on).join(" "), endsAt],
    ]);
    return {
      json: { proposals, next: null },
      text: rows.length === 0 ? "nothing" : table(["ID", "STATE", "ASKED BY", "OPERATION", "ON", "UNTIL"], rows),
    };
  },
});
