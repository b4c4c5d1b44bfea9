// `flipside account role`

import { type Role, roleNames } from "@flipside/api/permissions";
import { command, type Invocation } from "../../command-line/command.ts";

async function run({ words, connect }: Invocation<Record<never, never>>) {
  const [userName, role] = words as readonly [string, Role];
  const account = await connect()("PUT /api/v1/accounts/:userName/role", { params: { userName }, body: { role } });
  return { json: account, text: `${userName} is ${role} from now on` };
}

export const accountRole = command({
  name: "account role",
  summary: "Give an account another role",
  arguments: [
    { name: "NAME", what: "the account" },
    { name: "ROLE", what: "what it may from now on", oneOf: roleNames },
  ],
  options: {},
  examples: ["flipside account role olga approver"],
  connects: true,
  run,
});
