// `flipside webhook list`

import { placeOf } from "@flipside/api/webhook-url";
import { command } from "../../command-line/command.ts";
import { table } from "../../command-line/table.ts";

export const listWebhooks = command({
  name: "webhook list",
  summary: "Who is told of what happens",
  options: {},
  examples: ["flipside webhook list"],
  connects: true,
  run: async ({ connect }) => {
    const answer = await connect()("GET /api/v1/webhooks");
    const rows = answer.webhooks.map(({ id, channel, url, events, disabledBecause, failingSince }) => [
      ...[id, channel, placeOf(url), events?.join(", ") ?? "everything"],
      disabledBecause ?? (failingSince === null ? "on" : `nothing has arrived since ${failingSince}`),
    ]);
    return {
      json: answer,
      text: rows.length === 0 ? "nobody is told" : table(["id", "channel", "to", "events", ""], rows),
    };
  },
});
