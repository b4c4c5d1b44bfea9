// `flipside completion`

import { command } from "../command-line/command.ts";
import { bashCompletion } from "../command-line/completion/bash.ts";
import { fishCompletion } from "../command-line/completion/fish.ts";
import { completed } from "../command-line/completion/words.ts";
import { zshCompletion } from "../command-line/completion/zsh.ts";

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;
type Shell = keyof typeof shells;

export const completion = command({
  name: "completion",
  summary: "Print a script by which a shell completes commands and options",
  arguments: [{ name: "SHELL", what: "bash, zsh or fish", oneOf: Object.keys(shells) }],
  options: {},
  examples: ["source <(flipside completion bash)"],
  run: async ({ words }) => {
    // The table names this command, too.
    const { commands } = await import("../commands.ts");
    const script = shells[words[0] as Shell](completed(commands)).trimEnd();
    return { json: { script }, text: script };
  },
});
