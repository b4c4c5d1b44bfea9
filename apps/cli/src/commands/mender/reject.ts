// `flipside mender reject`

import { command } from "../../command-line/command.ts";

export const rejectMender = command({
  name: "mender reject",
  summary: "Let nobody in by these keys any more",
  about: "The tokens that they have are worthless at once. The devices stay in the fleet until they are deleted.",
  arguments: [{ name: "ID", what: "as flipside mender list has it", many: true }],
  options: {},
  examples: ["flipside mender reject 5f0c2a7d9e1b3c4d5e6f"],
  connects: true,
  run: async ({ words, connect }) => {
    const api = connect();
    for (const id of words) await api("POST /api/v1/mender/auth-sets/:id/reject", { params: { id } });
    return { json: { rejected: words }, text: `rejected: ${words.join(" ")}` };
  },
});
