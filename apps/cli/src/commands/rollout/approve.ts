// `flipside rollout approve`

import { oneWord } from "../../rollouts/one-word.ts";

export const approveRollout = oneWord(
  "approve",
  "approve",
  "The next wave, which waits for approval, may start",
  "Not by who made the rollout.",
);
