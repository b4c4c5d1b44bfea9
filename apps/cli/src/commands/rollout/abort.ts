// `flipside rollout abort`

import { oneWord } from "../../rollouts/one-word.ts";

export const abortRollout = oneWord(
  "abort",
  "cancel",
  "Withdraw what is not past the point of no return; the rollout is over",
);
