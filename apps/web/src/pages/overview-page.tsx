import { t } from "@lingui/core/macro";
import { Plural, Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import type { RolloutSummary } from "@flipside/api/types";
import { ActLink } from "../components/act.tsx";
import { AttentionQueue } from "../components/attention-queue.tsx";
import { EstimateLine } from "../components/estimate-line.tsx";
import { FleetShares, fleetLine } from "../components/fleet-shares.tsx";
import { Icon } from "../components/icon.tsx";
import { Link } from "../components/link.tsx";
import { Loaded } from "../components/loaded.tsx";
import { OutcomeBar } from "../components/outcome-bar.tsx";
import { Page } from "../components/page.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { useFleet, useResource } from "../live/hooks.ts";
import { loadedLater } from "../loaded-later.tsx";
import { newRolloutPath, rolloutPath } from "../router.ts";
import { rolloutWords, wordsOf } from "../words/state-words.ts";

/** Drawn when the rest is there. */
const FleetOverTime = loadedLater(async () => (await import("../components/fleet-over-time.tsx")).FleetOverTime);

const isOpen = ({ state }: RolloutSummary): boolean => state === "running" || state === "paused";

const VersionToDevices = ({ version, total }: RolloutSummary): ReactNode => (
  <Trans>
    <bdi>{version}</bdi> to <Plural value={total} one="# device" other="# devices" />
  </Trans>
);

function UnderWay(): ReactNode {
  return (
    <section className="panel" aria-labelledby="under-way-heading">
      <div className="panel-head">
        <h2 id="under-way-heading">
          <Trans>Rollouts under way</Trans>
        </h2>
        <Link className="button small" href="/rollouts">
          <Trans>All rollouts</Trans>
        </Link>
      </div>
      <Loaded resource={useFleet().rollouts} what={t`the rollouts`}>
        {(rollouts) => {
          const open = [...rollouts.values()].filter(isOpen);
          if (open.length === 0)
            return (
              <p className="muted">
                <Trans>None.</Trans>
              </p>
            );
          return (
            <ul className="under-way" role="list">
              {open.map((rollout) => (
                <li key={rollout.id}>
                  <div className="under-way-head">
                    <Link className="row-link" href={rolloutPath(rollout.id)}>
                      <bdi>{rollout.name}</bdi>
                    </Link>
                    <StateBadge words={wordsOf(rolloutWords, rollout.state)} />
                    <span className="muted small-text">
                      <VersionToDevices {...rollout} />
                    </span>
                  </div>
                  <OutcomeBar rollout={rollout} compact />
                  <EstimateLine rollout={rollout} />
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
    </section>
  );
}

/** What an operator looks at first: what needs somebody, what is under way, and what the fleet runs. */
export function OverviewPage(): ReactNode {
  const fleet = useFleet();
  const { value: summary } = useResource(fleet.deviceSummary);
  return (
    <Page
      title={t`Overview`}
      summary={summary === undefined ? t`Counting devices…` : fleetLine(summary)}
      actions={
        <ActLink needs="rollouts:write" className="button primary" href={newRolloutPath()}>
          <Icon name="plus" /> <Trans>New rollout</Trans>
        </ActLink>
      }
    >
      <AttentionQueue resource={fleet.attention} />
      <UnderWay />
      <Loaded resource={fleet.deviceSummary} what={t`what the fleet runs`}>
        {(known) => <FleetShares summary={known} />}
      </Loaded>
      <FleetOverTime />
    </Page>
  );
}
