// The next wave is not to start before a time of the calendar.

import { type Gate, holds } from "./gate.ts";

export const startTime: Gate = ({ rules, currentWave }, { wallMs }) => {
  const startAt = rules[currentWave + 1]?.startAt ?? null;
  if (startAt === null || Date.parse(startAt) <= wallMs) return holds;
  return { kind: "held", for: "start-time", decision: `wave ${currentWave + 2} is to start at ${startAt}` };
};
