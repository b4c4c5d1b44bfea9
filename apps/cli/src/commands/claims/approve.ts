// `flipside claims approve`

import { command } from "../../command-line/command.ts";
import { keyPrefix } from "./list.ts";

export const approveClaim = command({
  name: "claims approve",
  summary: "Let a device in that has proved its claim and waits",
  about: "flipside claims list --waiting shows who waits, with the key that is let in by this, and no other.",
  arguments: [
    { name: "DEVICE", what: "its id" },
    { name: "KEY", what: "the key that has asked, as the list shows it" },
  ],
  options: {},
  examples: ["flipside claims approve kitchen-9 ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"],
  connects: true,
  run: async ({ words, connect }) => {
    const [deviceId, key] = words as [string, string];
    const publicKey = key.startsWith(keyPrefix) ? key.slice(keyPrefix.length) : key;
    const claim = await connect()("POST /api/v1/claims/:deviceId/approve", {
      params: { deviceId },
      body: { publicKey },
    });
    return { json: claim, text: `${deviceId} may enrol` };
  },
});
