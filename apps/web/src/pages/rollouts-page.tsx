import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { currentWave, succeededPercent } from "@flipside/api/rollout-arithmetic";
import type { RolloutSummary } from "@flipside/api/types";
import { ActLink } from "../components/act.tsx";
import { ShowArchived, useShowsArchived } from "../components/archiving.tsx";
import { type Column, DataTable } from "../components/data-table.tsx";
import { Icon } from "../components/icon.tsx";
import { Link } from "../components/link.tsx";
import { Loaded } from "../components/loaded.tsx";
import { OutcomeBar } from "../components/outcome-bar.tsx";
import { Page } from "../components/page.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { TimeAgo, TimeToCome } from "../components/time-ago.tsx";
import { useFleet } from "../live/hooks.ts";
import { newRolloutPath, rolloutPath } from "../router.ts";
import { archived, rolloutWords, urgentRollout, wordsOf } from "../words/state-words.ts";

const columns: Column<RolloutSummary>[] = [
  {
    head: t`Rollout`,
    isName: true,
    cell: (rollout) => (
      <>
        <Link className="row-link" href={rolloutPath(rollout.id)}>
          <bdi>{rollout.name}</bdi>
        </Link>
        <span className="sub">
          <bdi>{rollout.version}</bdi> · {plural({ total: rollout.total }, { one: "# device", other: "# devices" })}
        </span>
      </>
    ),
  },
  {
    head: t`State`,
    cell: (rollout) => {
      const wave = currentWave(rollout);
      const busy = rollout.state === "running" || rollout.state === "paused";
      return (
        <>
          <span className="badges">
            <StateBadge words={wordsOf(rolloutWords, rollout.state)} />
            {rollout.urgent && <StateBadge words={urgentRollout} />}
            {rollout.archivedAt !== null && <StateBadge words={archived} />}
          </span>
          {busy && wave && (
            <span className="sub">
              <Trans>
                wave {{ wave: wave.index + 1 }} of {{ waves: rollout.waves.length }}
              </Trans>
            </span>
          )}
          {rollout.soakUntil !== null && (
            <span className="sub">
              <Trans>
                watched until <TimeToCome at={rollout.soakUntil} />
              </Trans>
            </span>
          )}
        </>
      );
    },
  },
  {
    head: t`Progress`,
    className: "col-progress",
    bareOnCard: true,
    cell: (rollout) => (
      <div className="rollout-progress">
        {/* Of one that was rolled back it would say that all is well. */}
        <span className="percent">{rollout.state !== "rolled-back" && `${succeededPercent(rollout)} %`}</span>
        <OutcomeBar rollout={rollout} compact />
      </div>
    ),
  },
  {
    head: t`Created`,
    cell: ({ createdAt, createdBy }) => (
      <>
        <TimeAgo at={createdAt} />
        <span className="sub">
          <Trans>
            by <bdi>{createdBy}</bdi>
          </Trans>
        </span>
      </>
    ),
  },
];

export function RolloutsPage(): ReactNode {
  const fleet = useFleet();
  const [showsArchived, setShowsArchived] = useShowsArchived();
  return (
    <Page
      title={t`Rollouts`}
      actions={
        <ActLink needs="rollouts:write" className="button primary" href={newRolloutPath()}>
          <Icon name="plus" /> <Trans>New rollout</Trans>
        </ActLink>
      }
    >
      <div className="toolbar">
        <ShowArchived checked={showsArchived} onChange={setShowsArchived} />
      </div>
      <Loaded resource={showsArchived ? fleet.allRollouts : fleet.rollouts} what={t`the list of rollouts`}>
        {(rollouts) =>
          rollouts.size === 0 ? (
            <div className="empty">
              <h2>
                <Trans>No rollouts yet</Trans>
              </h2>
              <p>
                <Trans>
                  A rollout brings one release to devices, wave by wave, and stops by itself when too many fail.
                </Trans>
              </p>
            </div>
          ) : (
            <DataTable
              caption={t`Rollouts, newest first`}
              columns={columns}
              rows={[...rollouts.values()].sort((one, two) => two.createdAt.localeCompare(one.createdAt))}
              rowKey={(rollout) => rollout.id}
            />
          )
        }
      </Loaded>
    </Page>
  );
}
