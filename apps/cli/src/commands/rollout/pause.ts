// `flipside rollout pause`

import { oneWord } from "../../rollouts/one-word.ts";

export const pauseRollout = oneWord("pause", "pause", "No new offers and no new wave; what was offered goes on");
