// `flipside token create`

import { permissionNames, type Permission } from "@flipside/api/permissions";
import { command, type Invocation } from "../../command-line/command.ts";
import { UsageError } from "../../command-line/failures.ts";
import { scopeOf, scopeOption } from "../../command-line/tags.ts";
import { readWhole } from "../../command-line/units.ts";

const options = {
  may: { value: "PERMISSION", what: "what it may; again for each", many: true, oneOf: permissionNames },
  scope: scopeOption,
  days: { value: "N", what: "how long it lasts (90)", read: readWhole(1, 365) },
} as const;

async function run({ options: { may, scope, days }, words, connect }: Invocation<typeof options>) {
  if (may.length === 0) throw new UsageError("say what it may: --may fleet:read");
  const permissions = may as Permission[];
  const body = {
    name: words[0]!,
    permissions,
    scope: scopeOf(scope),
    ...(days === undefined ? {} : { lifeDays: days }),
  };
  const made = await connect()("POST /api/v1/session/tokens", { body });
  return { json: made, text: `${made.token}\n\nIt is told here alone. Programs take it as FLIPSIDE_TOKEN.` };
}

export const createToken = command({
  name: "token create",
  summary: "Make a token of your own, for a program",
  about: "It may what you name and your account may, and sees no more devices than that. For pipelines: --print token.",
  arguments: [{ name: "NAME", what: "what it is for" }],
  options,
  examples: ["flipside token create nightly --may fleet:read --may releases:write --may rollouts:write"],
  connects: true,
  run,
});
