// `flipside claims withdraw`

import { command } from "../../command-line/command.ts";

export const withdrawClaim = command({
  name: "claims withdraw",
  summary: "Nobody enrols by these claims any more; devices that have enrolled stay in",
  about: "Also the word for a device that waits for an approval and is not to get it.",
  arguments: [{ name: "DEVICE", what: "ids", many: true }],
  options: {},
  examples: ["flipside claims withdraw kitchen-9"],
  connects: true,
  run: async ({ words, connect }) => {
    const api = connect();
    for (const deviceId of words) await api("DELETE /api/v1/claims/:deviceId", { params: { deviceId } });
    return { json: { withdrawn: words }, text: words.map((id) => `the claim of ${id} is withdrawn`).join("\n") };
  },
});
