// `flipside account create`

import { type Role, roleNames } from "@flipside/api/permissions";
import { command, type Invocation } from "../../command-line/command.ts";
import { scopeOf, scopeOption } from "../../command-line/tags.ts";

const options = { scope: scopeOption } as const;

async function run({ options: asked, words, connect }: Invocation<typeof options>) {
  const [userName, role] = words as readonly [string, Role];
  const made = await connect()("POST /api/v1/accounts", { body: { userName, role, scope: scopeOf(asked.scope) } });
  return {
    json: made,
    text: `${userName} may sign in once with ${made.oneTimePassword}, and chooses a password then. It is told here alone.`,
  };
}

export const createAccount = command({
  name: "account create",
  summary: "Make an account with a role, and a one-time password",
  about: "What each role may is in docs/api.md.",
  arguments: [
    { name: "NAME", what: "what it is called" },
    { name: "ROLE", what: "what it may", oneOf: roleNames },
  ],
  options,
  examples: ["flipside account create olga operator", "flipside account create acme viewer --scope customer:acme"],
  connects: true,
  run,
});
