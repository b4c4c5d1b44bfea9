// `flipside token list`

import { everyPage } from "@flipside/api/every-page";
import type { ApiToken } from "@flipside/api/types";
import { command, type Invocation } from "../../command-line/command.ts";
import { table } from "../../command-line/table.ts";

const options = { all: { what: "everybody's, and not your own alone" } } as const;

async function run({ options: { all }, connect }: Invocation<typeof options>) {
  const api = connect();
  const tokens = await everyPage<ApiToken>(async (query) => {
    const page = all ? await api("GET /api/v1/tokens", { query }) : await api("GET /api/v1/session/tokens", { query });
    return { members: page.tokens, next: page.next };
  });
  const rows = tokens.map(({ id, userName, name, endsAt, lastUsedAt, permissions }) => [
    ...[id, userName, name, endsAt, lastUsedAt ?? "never", permissions.join(" ")],
  ]);
  return {
    json: { tokens, next: null },
    text: tokens.length === 0 ? "no tokens" : table(["ID", "ACCOUNT", "NAME", "ENDS", "LAST USED", "MAY"], rows),
  };
}

export const listTokens = command({
  name: "token list",
  summary: "Tokens, what they may, and when they were used last",
  options,
  examples: ["flipside token list"],
  connects: true,
  run,
});
