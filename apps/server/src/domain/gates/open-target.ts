// All waves are done, and devices may still come to match: the rollout does not end by itself.

import { type Gate, holds } from "./gate.ts";

export const openTarget: Gate = ({ targetOpen, currentWave, waves, wavesMade }) => {
  // While it is being made, its waves may not be known yet.
  if (!targetOpen || wavesMade !== undefined || currentWave < waves.length - 1) return holds;
  const total = waves.reduce((sum, wave) => sum + wave.total, 0);
  return {
    kind: "held",
    for: "joiners",
    decision: `${total === 1 ? "its one device is" : `all of its ${total} devices are`} done; it stays open for those that come to match`,
  };
};
