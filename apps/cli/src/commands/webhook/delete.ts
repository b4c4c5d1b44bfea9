// `flipside webhook delete`

import { command } from "../../command-line/command.ts";

export const deleteWebhook = command({
  name: "webhook delete",
  summary: "Tell it nothing any more",
  arguments: [{ name: "WEBHOOK", what: "its id" }],
  options: {},
  examples: ["flipside webhook delete 0d9f2c"],
  connects: true,
  run: async ({ words, connect }) => {
    await connect()("DELETE /api/v1/webhooks/:id", { params: { id: words[0]! } });
    return { json: { deleted: words[0] }, text: "deleted" };
  },
});
