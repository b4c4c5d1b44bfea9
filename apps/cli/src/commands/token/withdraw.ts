// `flipside token withdraw`

import { command, type Invocation } from "../../command-line/command.ts";

const options = { others: { what: "somebody else's" } } as const;

async function run({ options: { others }, words, connect }: Invocation<typeof options>) {
  const api = connect();
  for (const id of words) {
    const given = { params: { id } };
    await (others ? api("DELETE /api/v1/tokens/:id", given) : api("DELETE /api/v1/session/tokens/:id", given));
  }
  return { json: { withdrawn: words }, text: `withdrawn: ${words.join(" ")}` };
}

export const withdrawToken = command({
  name: "token withdraw",
  summary: "Withdraw tokens: nobody comes in with them any more",
  arguments: [{ name: "ID", what: "as flipside token list has it", many: true }],
  options,
  examples: ["flipside token withdraw 5f0c2a7d9e1b3c4d5e6f"],
  connects: true,
  run,
});
