// The emergency stop, in a line.

import type { EmergencyStop } from "@flipside/api/types";

export const stopText = ({ stopped, since, by, reason }: EmergencyStop): string =>
  stopped ? `all updates are stopped since ${since} by ${by}: ${reason}` : "no emergency stop: rollouts go on";
