// `flipside account list`

import { everyPage } from "@flipside/api/every-page";
import { scopeText } from "@flipside/api/scope";
import type { Account } from "@flipside/api/types";
import { command } from "../../command-line/command.ts";
import { table } from "../../command-line/table.ts";

export const listAccounts = command({
  name: "account list",
  summary: "Accounts, their roles, what they see, and when they signed in last",
  options: {},
  examples: ["flipside account list"],
  connects: true,
  run: async ({ connect }) => {
    const api = connect();
    const accounts = await everyPage<Account>(async (query) => {
      const page = await api("GET /api/v1/accounts", { query });
      return { members: page.accounts, next: page.next };
    });
    const rows = accounts.map(({ userName, role, scope, signsInWith, lastSignedInAt }) => [
      ...[userName, role, scopeText(scope), lastSignedInAt ?? "never", signsInWith],
    ]);
    return { json: { accounts, next: null }, text: table(["ACCOUNT", "ROLE", "SEES", "LAST SIGNED IN", "BY"], rows) };
  },
});
