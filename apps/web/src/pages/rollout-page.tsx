import { Fragment, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { mayAct, retriedStates } from "@flipside/api/rollout-transitions";
import { succeededPercent } from "@flipside/api/rollout-arithmetic";
import type { Deployment, Rollout, RolloutState } from "@flipside/api/types";
import { excludeDevices, retryDevices } from "../api/rollouts.ts";
import { type Column, DataTable } from "../components/data-table.tsx";
import { CodeExplained, DeploymentProgress } from "../components/deployment-progress.tsx";
import { ConfirmDialog } from "../components/dialog.tsx";
import { HealthTests } from "../components/health-tests.tsx";
import { Icon } from "../components/icon.tsx";
import { Link } from "../components/link.tsx";
import { Loaded } from "../components/loaded.tsx";
import { OutcomeBar } from "../components/outcome-bar.tsx";
import { Page } from "../components/page.tsx";
import { ProblemNotice } from "../components/problem-notice.tsx";
import { SearchField } from "../components/search-field.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { TimeAgo } from "../components/time-ago.tsx";
import { RolloutActions } from "../components/rollout-actions.tsx";
import { WaveRulesTable } from "../components/wave-rules.tsx";
import { WaveTrack } from "../components/wave-track.tsx";
import { WhyLine } from "../components/why-line.tsx";
import { type DeploymentStateName, deploymentStateNames } from "../format.ts";
import { useFleet, useResource } from "../live/hooks.ts";
import { clonePath, devicePath, rolloutPath, useParam } from "../router.ts";
import { useTypedParam } from "../typed-param.ts";
import { asSentence, count, plural } from "../words/quantities.ts";
import { archived, deploymentWords, rolloutWords, openTarget, urgentRollout, wordsOf } from "../words/state-words.ts";

/** Also one that is over may wait for those that were away. */
const waits = ({ finishedAt, counts }: Rollout): boolean => finishedAt === null || counts.unreached > 0;

export function RolloutPage({ id }: { id: string }): ReactNode {
  const fleet = useFleet();
  const resource = fleet.rollout(id);
  const { value: rollout } = useResource(resource);
  const set = (changed: Rollout): void => resource.set(changed);
  return (
    <Page
      title={rollout?.name ?? "Rollout"}
      back={{ href: "/rollouts", label: "Rollouts" }}
      beside={
        <>
          <span role="status" aria-label="Rollout state">
            {rollout && <StateBadge words={wordsOf(rolloutWords, rollout.state)} />}
          </span>
          {rollout?.urgent && <StateBadge words={urgentRollout} />}
          {rollout && rollout.archivedAt !== null && <StateBadge words={archived} />}
          {rollout?.targetOpen && <StateBadge words={openTarget} />}
        </>
      }
      summary={
        rollout && (
          <>
            Version <bdi>{rollout.version}</bdi> to {plural(rollout.total, "device")}
            {rollout.targetFilter !== null && (
              <>
                {" "}
                of <code>{rollout.targetFilter}</code>
              </>
            )}
            , created <TimeAgo at={rollout.createdAt} /> by {rollout.createdBy}
            {rollout.supersededBy !== null && (
              <>
                , <Link href={rolloutPath(rollout.supersededBy)}>superseded</Link>
              </>
            )}
            {rollout.supersedes.map((other, at) => (
              <Fragment key={other}>
                {at === 0 ? "; it superseded " : ", "}
                <Link href={rolloutPath(other)}>{at === 0 ? "another rollout" : "one more"}</Link>
              </Fragment>
            ))}
            {rollout.finishedAt && (
              <>
                , finished <TimeAgo at={rollout.finishedAt} />
              </>
            )}
          </>
        )
      }
      remark={rollout && waits(rollout) && <WhyLine resource={fleet.whyRollout(id)} />}
      actions={
        rollout && (
          <>
            <Link className="button" href={clonePath(id)}>
              <Icon name="copy" /> Copy
            </Link>
            <RolloutActions rollout={rollout} onChanged={set} />
          </>
        )
      }
    >
      <Loaded resource={resource} what="this rollout">
        {(loaded) => <Details rollout={loaded} onChanged={set} />}
      </Loaded>
    </Page>
  );
}

const Preparing = ({ chosen, made }: NonNullable<Rollout["preparing"]>): ReactNode => (
  <div className="notice" role="status">
    <Icon name="clock" />
    <div className="notice-body">
      <p className="notice-title">It is being made</p>
      <p>
        {plural(chosen, "device")} chosen so far, {count(made)} of them have their deployment. A wave starts when all of
        its devices have theirs.
      </p>
    </div>
  </div>
);

interface Shown {
  rollout: Rollout;
  onChanged: (rollout: Rollout) => void;
}

function Details({ rollout, onChanged }: Shown): ReactNode {
  const [param, setParam] = useParam("state");
  const state = deploymentStateNames.find((name) => name === param) ?? "all";
  return (
    <>
      {rollout.preparing && <Preparing {...rollout.preparing} />}
      {rollout.state === "paused" && (
        <div className="notice tone-warn" role="status">
          <Icon name="pause" />
          <div className="notice-body">
            <p className="notice-title">Paused</p>
            <p>
              {asSentence(rollout.pauseReason ?? "Somebody paused it.")} Updates that were under way go on; no further
              device starts.
            </p>
          </div>
        </div>
      )}

      <section className="panel" aria-labelledby="progress-heading">
        <h2 id="progress-heading">Progress</h2>
        <Headline rollout={rollout} />
        <h3>Waves</h3>
        <WaveTrack rollout={rollout} />
        <WaveRulesTable settings={rollout.settings} />
      </section>

      {rollout.health.length > 0 && <HealthTests tests={rollout.health} />}

      <section className="panel" aria-labelledby="devices-heading">
        <h2 id="devices-heading">Devices</h2>
        <StateFilter rollout={rollout} chosen={state} onChoose={(chosen) => setParam(chosen === "all" ? "" : chosen)} />
        <DeploymentTable rollout={rollout} onChanged={onChanged} state={state} />
      </section>

      <section className="panel" aria-labelledby="decisions-heading">
        <h2 id="decisions-heading">Decisions</h2>
        <p className="muted">What people and the fleet manager decided, with the numbers they went by.</p>
        {rollout.decisions.length === 0 ? (
          <p className="muted">
            {rollout.finishedAt === null
              ? "None yet."
              : "None any more: some time after a rollout’s end its decisions are removed (--keep-decisions)."}
          </p>
        ) : (
          <ol className="log" role="list">
            {newestFirst(rollout.decisions).map((decision, i) => (
              <li key={`${decision.at} ${i}`}>
                <span className="log-head">
                  <TimeAgo at={decision.at} />
                </span>
                <span className="log-detail">{asSentence(decision.text)}</span>
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
  const many = (
    <>
      <strong>{count(counts.confirmed)}</strong> of {plural(total, "device")}
    </>
  );
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
            {many} had been updated to <bdi>{version}</bdi> before it was rolled back. Who goes back, and who stays and
            why, is said below, among its decisions.
          </p>
        ) : finishedAt === null ? (
          <p>
            {many} {total === 1 ? "runs" : "run"} <bdi>{version}</bdi> and {total === 1 ? "has" : "have"} proven it.
          </p>
        ) : (
          <p>
            {many} {total === 1 ? "was" : "were"} updated to <bdi>{version}</bdi> and proved it.
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

/** Counts by state, each a switch that narrows the table to it. */
function StateFilter({
  rollout,
  chosen,
  onChoose,
}: {
  rollout: Rollout;
  chosen: DeploymentStateName | "all";
  onChoose: (state: DeploymentStateName | "all") => void;
}): ReactNode {
  const present = deploymentStateNames.filter((state) => rollout.counts[state] > 0 || state === chosen);
  return (
    // biome-ignore lint/a11y/useSemanticElements: no form, so no fieldset
    <div className="chips" role="group" aria-label="Show devices by state">
      <button type="button" className="chip" aria-pressed={chosen === "all"} onClick={() => onChoose("all")}>
        All <span className="chip-count">{count(rollout.total)}</span>
      </button>
      {present.map((state) => {
        const words = wordsOf(deploymentWords, state);
        return (
          <button
            key={state}
            type="button"
            className={`chip tone-${words.tone}`}
            aria-pressed={chosen === state}
            title={words.means}
            onClick={() => onChoose(chosen === state ? "all" : state)}
          >
            <Icon name={words.icon} /> {words.label} <span className="chip-count">{count(rollout.counts[state])}</span>
          </button>
        );
      })}
    </div>
  );
}

const columns: Column<Deployment>[] = [
  {
    head: "Device",
    isName: true,
    cell: (deployment) => (
      <>
        <Link className="row-link" href={devicePath(deployment.deviceId)}>
          {deployment.deviceId}
        </Link>
        {deployment.attempt > 1 && <span className="sub">attempt {deployment.attempt}</span>}
      </>
    ),
  },
  { head: "Wave", cell: (deployment) => deployment.wave + 1 },
  { head: "State", className: "col-update", cell: (deployment) => <DeploymentProgress deployment={deployment} /> },
  { head: "Code", className: "col-why", cell: (deployment) => <CodeExplained coded={deployment} /> },
  { head: "Changed", cell: (deployment) => <TimeAgo at={deployment.updatedAt} /> },
];

type DeviceAction = "exclude" | "retry";

const acts = { exclude: excludeDevices, retry: retryDevices };

const deviceActionWords = {
  exclude: {
    label: "Take out",
    title: (id: string) => `Take ${id} out of this rollout?`,
    confirm: "Take out",
    explains:
      "It is offered this image no more, and gives up what it has downloaded of it. The rollout goes on without it.",
  },
  retry: {
    label: "Try again",
    title: (id: string) => `Try again on ${id}?`,
    confirm: "Try again",
    explains: "It is offered the image once more, also where it has rolled it back or was taken out.",
  },
} as const;

const excludable: readonly DeploymentStateName[] = ["queued", "unreached", "offered", "downloading", "verifying"];
const retriable: readonly DeploymentStateName[] = [...retriedStates, "cancelled"];

/** What can be done with one device of it. */
const actionsColumn = (
  state: RolloutState,
  onAsk: (deployment: Deployment, action: DeviceAction) => void,
): Column<Deployment> => ({
  head: "Act",
  bareOnCard: true,
  cell: (deployment) => {
    const action = [
      ...(mayAct(state, "exclude") && excludable.includes(deployment.state) ? ["exclude" as const] : []),
      ...(mayAct(state, "retry") && retriable.includes(deployment.state) ? ["retry" as const] : []),
    ][0];
    return (
      action && (
        <button type="button" className="button small" onClick={() => onAsk(deployment, action)}>
          {deviceActionWords[action].label}
          <span className="visually-hidden"> {deployment.deviceId}</span>
        </button>
      )
    );
  },
});

/** Of one state or of all, as far as they are loaded. */
function useDeployments({ id, decisionCount }: Rollout, state: DeploymentStateName | "all") {
  const listing = useFleet().deploymentListing(id, state === "all" ? undefined : state);
  const { value: listed, problem } = useResource(listing.resource);
  // What was decided may have changed any of them.
  const decided = useRef(decisionCount);
  useEffect(() => {
    if (decided.current === decisionCount) return;
    decided.current = decisionCount;
    void listing.resource.reload();
  }, [decisionCount, listing]);
  return { listing, listed, problem };
}

function DeploymentTable({ rollout, onChanged, state }: Shown & { state: DeploymentStateName | "all" }): ReactNode {
  const { typed: query, setTyped: setQuery } = useTypedParam("query");
  const { listing, listed, problem } = useDeployments(rollout, state);
  // What was loaded with the rollout stays until the page is there.
  const deployments = listed?.deployments ?? rollout.deployments;
  const [asking, setAsking] = useState<{ deployment: Deployment; action: DeviceAction }>();
  const withActions = useMemo(
    () => [...columns, actionsColumn(rollout.state, (deployment, action) => setAsking({ deployment, action }))],
    [rollout.state],
  );
  const shown = useMemo(
    () =>
      deployments
        .filter(
          (deployment) =>
            (state === "all" || deployment.state === state) && deployment.deviceId.includes(query.trim().toLowerCase()),
        )
        .sort((one, two) => one.wave - two.wave || one.deviceId.localeCompare(two.deviceId, "en", { numeric: true })),
    [deployments, state, query],
  );
  return (
    <>
      <div className="toolbar">
        <SearchField label="Search device id" value={query} onChange={setQuery} />
        <p className="muted" role="status">
          {query.trim() !== "" && listed?.isMore && `Searched in the first ${count(deployments.length)}.`}
        </p>
      </div>
      {problem && (
        <ProblemNotice
          problem={problem}
          lead="Could not load the devices of this rollout"
          onRetry={() => void listing.resource.reload()}
        />
      )}
      {shown.length > 0 ? (
        <DataTable
          caption="Devices of this rollout"
          columns={withActions}
          rows={shown}
          rowKey={(deployment) => deployment.id}
          onMore={listed?.isMore ? () => listing.more() : undefined}
        />
      ) : (
        <p className="muted">No device of this rollout matches.</p>
      )}
      {asking && (
        <ConfirmDialog
          {...deviceActionWords[asking.action]}
          title={deviceActionWords[asking.action].title(asking.deployment.deviceId)}
          action={async () => onChanged(await acts[asking.action](rollout.id, [asking.deployment.deviceId]))}
          onClose={() => setAsking(undefined)}
        >
          <p>{deviceActionWords[asking.action].explains}</p>
        </ConfirmDialog>
      )}
    </>
  );
}
