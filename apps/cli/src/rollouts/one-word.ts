// Commands that say one word to a rollout.

import { type Command, command } from "../command-line/command.ts";
import { rolloutText } from "./rollout-text.ts";

type Word = "pause" | "resume" | "approve" | "cancel";

/** `action` is the interface's word for it. */
export const oneWord = (word: string, action: Word, summary: string, about?: string): Command =>
  command({
    name: `rollout ${word}`,
    summary,
    ...(about === undefined ? {} : { about }),
    arguments: [{ name: "ROLLOUT", what: "its id" }],
    options: {},
    examples: [`flipside rollout ${word} 0d9f2c`],
    connects: true,
    run: async ({ words, connect }) => {
      const rollout = await connect()(`POST /api/v1/rollouts/:id/${action}`, { params: { id: words[0]! } });
      return { json: rollout, text: rolloutText(rollout) };
    },
  });
