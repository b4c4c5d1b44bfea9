// `flipside rollout resume`

import { oneWord } from "../../rollouts/one-word.ts";

export const resumeRollout = oneWord("resume", "resume", "Offers go on; what has failed so far is accepted");
