// The next wave is to be approved by somebody else than who made the rollout.

import { type Gate, holds } from "./gate.ts";

export const approval: Gate = ({ rules, currentWave, approvals, createdBy }) => {
  const next = currentWave + 1;
  if (rules[next]?.approval !== true || approvals.some(({ wave }) => wave === next)) return holds;
  const decision = `wave ${next + 1} waits until somebody else than ${createdBy} approves it`;
  return { kind: "held", for: "approval", decision };
};
