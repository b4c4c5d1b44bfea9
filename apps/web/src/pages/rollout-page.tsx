import { Term } from "../components/term.tsx";
import { t } from "@lingui/core/macro";
import { Plural, Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { succeededPercent } from "@flipside/api/rollout-arithmetic";
import { retriedStates } from "@flipside/api/rollout-transitions";
import type { Rollout } from "@flipside/api/types";
import { ActLink } from "../components/act.tsx";
import { EstimateLine } from "../components/estimate-line.tsx";
import { FailureClusters } from "../components/failure-clusters.tsx";
import { HealthTests } from "../components/health-tests.tsx";
import { Icon } from "../components/icon.tsx";
import { Link } from "../components/link.tsx";
import { Loaded } from "../components/loaded.tsx";
import { OutcomeBar } from "../components/outcome-bar.tsx";
import { Page } from "../components/page.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { TimeAgo } from "../components/time-ago.tsx";
import { RolloutActions } from "../components/rollout-actions.tsx";
import { RolloutCourseSection } from "../components/rollout-course.tsx";
import { RolloutDevices } from "../components/rollout-devices.tsx";
import { RolloutSettings } from "../components/rollout-settings.tsx";
import { WaveTrack } from "../components/wave-track.tsx";
import { WhyLine } from "../components/why-line.tsx";
import { useFleet, useResource } from "../live/hooks.ts";
import { clonePath, rolloutPath } from "../router.ts";
import { asSentence, count } from "../words/quantities.ts";
import { archived, rolloutWords, openTarget, urgentRollout, wordsOf } from "../words/state-words.ts";

/** Also one that is over may wait for those that were away. */
const waits = ({ finishedAt, counts }: Rollout): boolean => finishedAt === null || counts.unreached > 0;

export function RolloutPage({ id }: { id: string }): ReactNode {
  const fleet = useFleet();
  const resource = fleet.rollout(id);
  const { value: rollout } = useResource(resource);
  const set = (changed: Rollout): void => resource.set(changed);
  return (
    <Page
      title={rollout?.name ?? t`Rollout`}
      back={{ href: "/rollouts", label: t`Rollouts` }}
      beside={
        <>
          <span role="status" aria-label={t`Rollout state`}>
            {rollout && <StateBadge words={wordsOf(rolloutWords, rollout.state)} />}
          </span>
          {rollout?.urgent && <StateBadge words={urgentRollout} />}
          {rollout && rollout.archivedAt !== null && <StateBadge words={archived} />}
          {rollout?.targetOpen && <StateBadge words={openTarget} />}
        </>
      }
      summary={rollout && <InShort rollout={rollout} />}
      remark={
        rollout && (
          <>
            {waits(rollout) && <WhyLine resource={fleet.whyRollout(id)} />}
            <EstimateLine rollout={rollout} />
          </>
        )
      }
      actions={
        rollout && (
          <>
            <ActLink needs="rollouts:write" className="button" href={clonePath(id)}>
              <Icon name="copy" /> <Trans>Copy</Trans>
            </ActLink>
            <RolloutActions rollout={rollout} onChanged={set} />
          </>
        )
      }
    >
      <Loaded resource={resource} what={t`this rollout`}>
        {(loaded) => <Details rollout={loaded} onChanged={set} />}
      </Loaded>
    </Page>
  );
}

/** What it brings to whom, and what has become of it: a main clause, and others behind it. */
function InShort({ rollout }: Pick<Shown, "rollout">): ReactNode {
  const { version, total, targetFilter, createdAt, createdBy, supersededBy, supersedes, finishedAt } = rollout;
  return (
    <>
      {targetFilter === null ? (
        <Trans>
          Version <bdi>{version}</bdi> to <Plural value={total} one="# device" other="# devices" />, created{" "}
          <TimeAgo at={createdAt} /> by <bdi>{createdBy}</bdi>
        </Trans>
      ) : (
        <Trans>
          Version <bdi>{version}</bdi> to <Plural value={total} one="# device" other="# devices" /> of{" "}
          <code>{targetFilter}</code>, created <TimeAgo at={createdAt} /> by <bdi>{createdBy}</bdi>
        </Trans>
      )}
      {supersededBy !== null && (
        <Trans>
          , <Link href={rolloutPath(supersededBy)}>superseded</Link>
        </Trans>
      )}
      {supersedes.map((other, at) =>
        at === 0 ? (
          <Trans key={other}>
            ; it superseded <Link href={rolloutPath(other)}>another rollout</Link>
          </Trans>
        ) : (
          <Trans key={other}>
            , <Link href={rolloutPath(other)}>one more</Link>
          </Trans>
        ),
      )}
      {finishedAt && (
        <Trans>
          , finished <TimeAgo at={finishedAt} />
        </Trans>
      )}
    </>
  );
}

const Preparing = ({ chosen, made }: NonNullable<Rollout["preparing"]>): ReactNode => (
  <div className="notice" role="status">
    <Icon name="clock" />
    <div className="notice-body">
      <p className="notice-title">
        <Trans>It is being made</Trans>
      </p>
      <p>
        <Trans>
          <Plural value={chosen} one="# device" other="# devices" /> chosen so far, {{ made: count(made) }} of them have
          their deployment. A wave starts when all of its devices have theirs.
        </Trans>
      </p>
    </div>
  </div>
);

interface Shown {
  rollout: Rollout;
  onChanged: (rollout: Rollout) => void;
}

function Details({ rollout, onChanged }: Shown): ReactNode {
  const hasFailed = retriedStates.some((state) => rollout.counts[state] > 0);
  return (
    <>
      {rollout.preparing && <Preparing {...rollout.preparing} />}
      {rollout.state === "paused" && (
        <div className="notice tone-warn" role="status">
          <Icon name="pause" />
          <div className="notice-body">
            <p className="notice-title">
              <Trans>Paused</Trans>
            </p>
            <p>
              <bdi>{rollout.pauseReason === null ? t`Somebody paused it.` : asSentence(rollout.pauseReason)}</bdi>{" "}
              <Trans>Updates that were under way go on; no further device starts.</Trans>
            </p>
          </div>
        </div>
      )}

      {hasFailed && <FailureClusters of="rollouts" id={rollout.id} />}

      <section className="panel" aria-labelledby="progress-heading">
        <h2 id="progress-heading">
          <Trans>Progress</Trans>
        </h2>
        <Headline rollout={rollout} />
        <h3>
          <Term of="wave">{t`Waves`}</Term>
        </h3>
        <WaveTrack rollout={rollout} />
      </section>

      {!hasFailed && <FailureClusters of="rollouts" id={rollout.id} />}

      <RolloutCourseSection rollout={rollout} />

      {rollout.health.length > 0 && <HealthTests tests={rollout.health} />}

      <RolloutSettings rollout={rollout} onChanged={onChanged} />

      <RolloutDevices rollout={rollout} onChanged={onChanged} />

      <section className="panel" aria-labelledby="decisions-heading">
        <h2 id="decisions-heading">
          <Trans>Decisions</Trans>
        </h2>
        <p className="muted">
          <Trans>What people and the fleet manager decided, with the numbers they went by.</Trans>
        </p>
        {rollout.decisions.length === 0 ? (
          <p className="muted">
            {rollout.finishedAt === null
              ? t`None yet.`
              : t`None any more: some time after a rollout’s end its decisions are removed (--keep-decisions).`}
          </p>
        ) : (
          <ol className="log" role="list">
            {newestFirst(rollout.decisions).map((decision, i) => (
              <li key={`${decision.at} ${i}`}>
                <span className="log-head">
                  <TimeAgo at={decision.at} />
                </span>
                <bdi className="log-detail">{asSentence(decision.text)}</bdi>
              </li>
            ))}
          </ol>
        )}
      </section>
    </>
  );
}

/** How far it is. What its devices run once it is over, later rollouts may have changed. */
function Headline({ rollout }: Pick<Shown, "rollout">): ReactNode {
  const { state, finishedAt, counts, total, version } = rollout;
  const confirmed = count(counts.confirmed);
  return (
    <div className="headline">
      {state !== "rolled-back" && (
        <p className="headline-number">
          {succeededPercent(rollout)}
          <span> %</span>
        </p>
      )}
      <div className="headline-rest">
        {state === "rolled-back" ? (
          <p>
            <Trans>
              <strong>{confirmed}</strong> of <Plural value={total} one="# device" other="# devices" /> had been updated
              to <bdi>{version}</bdi> before it was rolled back. Who goes back, and who stays and why, is said below,
              among its decisions.
            </Trans>
          </p>
        ) : finishedAt === null ? (
          <p>
            <Trans>
              <strong>{confirmed}</strong> of <Plural value={total} one="# device runs" other="# devices run" />{" "}
              <bdi>{version}</bdi> and <Plural value={total} one="has proven" other="have proven" /> it.
            </Trans>
          </p>
        ) : (
          <p>
            <Trans>
              <strong>{confirmed}</strong> of <Plural value={total} one="# device was" other="# devices were" /> updated
              to <bdi>{version}</bdi> and proved it.
            </Trans>
          </p>
        )}
        <OutcomeBar rollout={rollout} />
      </div>
    </div>
  );
}

const newestFirst = (decisions: Rollout["decisions"]): Rollout["decisions"] =>
  decisions
    .map((decision, i) => ({ decision, i }))
    .sort((one, two) => two.decision.at.localeCompare(one.decision.at) || two.i - one.i)
    .map(({ decision }) => decision);
