// The glossary's terms as they are called in the console's languages.

import { t } from "@lingui/core/macro";
import type { GlossaryTerm } from "./glossary.ts";

export const termWords: Record<GlossaryTerm, string> = {
  attribute: t`attribute`,
  "boot counter": t`boot counter`,
  "boot loader": t`boot loader`,
  canary: t`canary`,
  chunk: t`chunk`,
  claim: t`claim`,
  command: t`command`,
  configuration: t`configuration`,
  confirmed: t`confirmed`,
  deployment: t`deployment`,
  filter: t`filter`,
  gate: t`gate`,
  group: t`group`,
  health: t`health`,
  measurement: t`measurement`,
  permit: t`permit`,
  randomness: t`randomness`,
  release: t`release`,
  "release sequence": t`release sequence`,
  "release state": t`release state`,
  revoke: t`revoke`,
  rollout: t`rollout`,
  "security floor": t`security floor`,
  session: t`session`,
  slot: t`slot`,
  tag: t`tag`,
  trial: t`trial`,
  "trust record": t`trust record`,
  wave: t`wave`,
  watchdog: t`watchdog`,
};
