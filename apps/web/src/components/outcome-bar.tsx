import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import { type Outcome, outcomeCounts } from "@flipside/api/rollout-arithmetic";
import type { RolloutSummary } from "@flipside/api/types";
import { count } from "../words/quantities.ts";
import type { IconName, Tone } from "../words/state-words.ts";
import { Icon } from "./icon.tsx";

interface ShownOutcome {
  outcome: Outcome;
  /** With how many devices. */
  words: (devices: string) => string;
  tone: Tone;
  icon: IconName;
}

const outcomes: readonly ShownOutcome[] = [
  { outcome: "succeeded", words: (devices) => t`${devices} confirmed`, tone: "ok", icon: "check" },
  { outcome: "unsuccessful", words: (devices) => t`${devices} not updated`, tone: "bad", icon: "cross" },
  { outcome: "under-way", words: (devices) => t`${devices} under way`, tone: "busy", icon: "download" },
  { outcome: "withdrawn", words: (devices) => t`${devices} cancelled`, tone: "idle", icon: "stop" },
  { outcome: "waiting", words: (devices) => t`${devices} waiting`, tone: "idle", icon: "clock" },
];

/** What was confirmed in a rollout that was rolled back is no success of it: it has gone back, or is about to. */
const inOneRolledBack: readonly ShownOutcome[] = outcomes.map((shown) =>
  shown.outcome === "succeeded"
    ? { ...shown, words: (devices) => t`${devices} had been updated`, tone: "idle", icon: "back" }
    : shown,
);

/** All devices of a rollout in one bar, by how they stand; the numbers stand below it in words. */
export function OutcomeBar({
  rollout,
  compact,
}: {
  rollout: Pick<RolloutSummary, "counts" | "state">;
  compact?: boolean;
}): ReactNode {
  const sums = outcomeCounts(rollout.counts);
  const present = (rollout.state === "rolled-back" ? inOneRolledBack : outcomes).filter(
    ({ outcome }) => sums[outcome] > 0,
  );
  const text = present.map(({ outcome, words }) => words(count(sums[outcome]))).join(t`, `);
  return (
    <div className="outcome">
      <div className={`outcome-bar ${compact ? "compact" : ""}`} role="img" aria-label={text || t`No devices`}>
        {present.map(({ outcome, tone }) => (
          <div
            key={outcome}
            className={`outcome-part is-${outcome} tone-${tone}`}
            style={{ flexGrow: sums[outcome] }}
          />
        ))}
      </div>
      <ul className="outcome-legend" role="list" aria-hidden="true">
        {present.map(({ outcome, words, tone, icon }) => (
          <li key={outcome} className={`tone-${tone}`}>
            <Icon name={icon} />
            <span>{words(count(sums[outcome]))}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
