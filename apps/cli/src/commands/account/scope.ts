// `flipside account scope`

import { scopeText } from "@flipside/api/scope";
import { command, type Invocation } from "../../command-line/command.ts";
import { UsageError } from "../../command-line/failures.ts";
import { readTag, scopeOf } from "../../command-line/tags.ts";

const options = {
  "whole-fleet": { what: "every device, also those without tags" },
} as const;

async function run({ options: asked, words, connect }: Invocation<typeof options>) {
  const [userName, ...typed] = words as [string, ...string[]];
  const tags = typed.map(readTag);
  if (asked["whole-fleet"] === tags.length > 0)
    throw new UsageError("say which devices it sees: TAG and more, or --whole-fleet");
  const scope = scopeOf(tags);
  const account = await connect()("PUT /api/v1/accounts/:userName/scope", { params: { userName }, body: { scope } });
  return { json: account, text: `${userName} sees ${scopeText(account.scope)} from now on` };
}

export const accountScope = command({
  name: "account scope",
  summary: "Say which devices an account sees: those with a tag, or the whole fleet",
  about: "To who sees a part of the fleet the rest is not there. What that means is in docs/accounts.md.",
  arguments: [
    { name: "NAME", what: "the account" },
    { name: "TAG", what: "of the devices that it sees: one is enough", many: true, optional: true },
  ],
  options,
  examples: ["flipside account scope olga site:berlin site:wien", "flipside account scope olga --whole-fleet"],
  connects: true,
  run,
});
