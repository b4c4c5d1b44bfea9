// `flipside trust push`

import { readFileSync } from "node:fs";
import { command } from "../../command-line/command.ts";

export const pushTrust = command({
  name: "trust push",
  summary: "Upload a trust chain that goes on from the server's",
  arguments: [{ name: "FILE", what: "the chain, as `flipside trust make` writes it" }],
  options: {},
  examples: ["flipside trust push var/keys/trust-chain.bin"],
  connects: true,
  run: async ({ words, connect }) => {
    const trust = await connect()("POST /api/v1/trust", { body: new Uint8Array(readFileSync(words[0]!)) });
    return { json: trust, text: `the server has trust record ${trust.version}; devices take it at their check-ins` };
  },
});
