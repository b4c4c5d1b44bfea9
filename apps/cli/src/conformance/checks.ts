// The table of checks, in the order in which they run. Later ones build on what earlier ones have brought about.

import type { Check } from "./check.ts";
import { checkInChecks } from "./checks/check-in.ts";
import { commandChecks } from "./checks/commands.ts";
import { deviceCommandChecks } from "./checks/device-commands.ts";
import { enrolmentChecks } from "./checks/enrolment.ts";
import { offerChecks } from "./checks/offers.ts";
import { sessionChecks } from "./checks/session.ts";
import { updateChecks } from "./checks/updates.ts";
import { wholeRunChecks } from "./checks/whole-run.ts";

export const checks: readonly Check[] = [
  ...enrolmentChecks,
  ...sessionChecks,
  ...checkInChecks,
  ...offerChecks,
  ...updateChecks,
  ...commandChecks,
  ...deviceCommandChecks,
  ...wholeRunChecks,
];
