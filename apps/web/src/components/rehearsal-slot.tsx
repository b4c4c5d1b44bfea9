import type { ReactNode } from "react";
import type { NewRollout } from "@flipside/api/types";

interface Props {
  /** What POST /api/v1/rollouts would be asked for. */
  request: NewRollout;
}

/** Where the review of a rollout has room for trying it out first; there is nothing in it yet. */
export function RehearsalSlot(_props: Props): ReactNode {
  return null;
}
