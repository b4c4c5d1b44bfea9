// `flipside account delete`

import { command } from "../../command-line/command.ts";

export const deleteAccount = command({
  name: "account delete",
  summary: "Delete an account, with its sessions and tokens",
  arguments: [{ name: "NAME", what: "the account" }],
  options: {},
  examples: ["flipside account delete olga"],
  connects: true,
  run: async ({ words, connect }) => {
    const userName = words[0]!;
    await connect()("DELETE /api/v1/accounts/:userName", { params: { userName } });
    return { json: { deleted: userName }, text: `${userName} is deleted` };
  },
});
