// `flipside account list`

import { everyPage } from "@flipside/api/every-page";
import type { Account } from "@flipside/api/types";
import { command } from "../../command-line/command.ts";
import { table } from "../../command-line/table.ts";

export const listAccounts = command({
  name: "account list",
  summary: "Accounts, their roles, and when they signed in last",
  options: {},
  examples: ["flipside account list"],
  connects: true,
  run: async ({ connect }) => {
    const api = connect();
    const accounts = await everyPage<Account>(async (query) => {
      const page = await api("GET /api/v1/accounts", { query });
      return { members: page.accounts, next: page.next };
    });
    const rows = accounts.map(({ userName, role, signsInWith, lastSignedInAt }) => [
      ...[userName, role, lastSignedInAt ?? "never", signsInWith],
    ]);
    return { json: { accounts, next: null }, text: table(["ACCOUNT", "ROLE", "LAST SIGNED IN", "BY"], rows) };
  },
});
