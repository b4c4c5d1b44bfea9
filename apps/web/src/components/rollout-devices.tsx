// The devices of a rollout: how many are in each state, and each of them with what can be done with it.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { mayAct, retriedStates } from "@flipside/api/rollout-transitions";
import type { Deployment, Rollout, RolloutState } from "@flipside/api/types";
import { excludeDevices, retryDevices } from "../api/rollouts.ts";
import { type DeploymentStateName, deploymentStateNames } from "../format.ts";
import type { DeploymentsAsked } from "../live/deployment-listing.ts";
import { useFleet, useResource } from "../live/hooks.ts";
import type { Presence } from "../live/presence.ts";
import { devicePath, useParam } from "../router.ts";
import { useTypedParam } from "../typed-param.ts";
import { count } from "../words/quantities.ts";
import { deploymentWords, laterWave, queuedOffline, type StateWords, wordsOf } from "../words/state-words.ts";
import { ActButton } from "./act.tsx";
import { type Column, DataTable } from "./data-table.tsx";
import { CodeExplained, DeploymentProgress } from "./deployment-progress.tsx";
import { ConfirmDialog } from "./dialog.tsx";
import { Icon } from "./icon.tsx";
import { Link } from "./link.tsx";
import { ProblemNotice } from "./problem-notice.tsx";
import { SearchField } from "./search-field.tsx";
import { TimeAgo } from "./time-ago.tsx";

interface Shown {
  rollout: Rollout;
  onChanged: (rollout: Rollout) => void;
}

/** What the list is narrowed to. Of those that are queued, whose wave has not begun stand apart. */
type ShownState = DeploymentStateName | "later-wave" | "all";

const shownStates: readonly ShownState[] = deploymentStateNames.flatMap((state) =>
  state === "queued" ? [state, "later-wave" as const] : [state],
);

const askedFor = (shown: ShownState): DeploymentsAsked => {
  if (shown === "all") return {};
  if (shown === "later-wave") return { state: "queued", waves: "later" };
  return shown === "queued" ? { state: shown, waves: "begun" } : { state: shown };
};

function isShownAs(shown: ShownState, { state, wave }: Deployment, currentWave: number): boolean {
  const { state: wanted = state, waves } = askedFor(shown);
  return state === wanted && (waves === undefined || (waves === "later") === wave > currentWave);
}

function countsOf({ counts, waves, currentWave }: Rollout): Record<Exclude<ShownState, "all">, number> {
  const later = waves.reduce((sum, { index, waiting }) => sum + (index > currentWave ? waiting : 0), 0);
  return { ...counts, queued: Math.max(0, counts.queued - later), "later-wave": later };
}

export function RolloutDevices({ rollout, onChanged }: Shown): ReactNode {
  const [param, setParam] = useParam("state");
  const shown = shownStates.find((name) => name === param) ?? "all";
  return (
    <section className="panel" aria-labelledby="devices-heading">
      <h2 id="devices-heading">
        <Trans>Devices</Trans>
      </h2>
      <StateFilter rollout={rollout} chosen={shown} onChoose={(chosen) => setParam(chosen === "all" ? "" : chosen)} />
      <DeploymentTable rollout={rollout} onChanged={onChanged} shown={shown} />
    </section>
  );
}

/** Counts by state, each a switch that narrows the table to it. */
function StateFilter({
  rollout,
  chosen,
  onChoose,
}: {
  rollout: Rollout;
  chosen: ShownState;
  onChoose: (state: ShownState) => void;
}): ReactNode {
  const counts = countsOf(rollout);
  const all = count(rollout.total);
  const present = shownStates.filter(
    (state): state is Exclude<ShownState, "all"> => state !== "all" && (counts[state] > 0 || state === chosen),
  );
  return (
    // biome-ignore lint/a11y/useSemanticElements: no form, so no fieldset
    <div className="chips" role="group" aria-label={t`Show devices by state`}>
      <button type="button" className="chip" aria-pressed={chosen === "all"} onClick={() => onChoose("all")}>
        <Trans>
          All <span className="chip-count">{all}</span>
        </Trans>
      </button>
      {present.map((state) => {
        const words = state === "later-wave" ? laterWave : wordsOf(deploymentWords, state);
        return (
          <button
            key={state}
            type="button"
            className={`chip tone-${words.tone}`}
            aria-pressed={chosen === state}
            title={words.means}
            onClick={() => onChoose(chosen === state ? "all" : state)}
          >
            <Icon name={words.icon} /> {words.label} <span className="chip-count">{count(counts[state])}</span>
          </button>
        );
      })}
    </div>
  );
}

/** What is said of one that is queued, which says too little: whose wave comes later, or who is not there. */
function standing({ state, wave, deviceId }: Deployment, currentWave: number, presence: Presence): StateWords {
  if (state !== "queued") return wordsOf(deploymentWords, state);
  if (wave > currentWave) return laterWave;
  return presence.get(deviceId) === false ? queuedOffline : deploymentWords.queued;
}

const columnsOf = (currentWave: number, presence: Presence): Column<Deployment>[] => [
  {
    head: t`Device`,
    isName: true,
    cell: ({ deviceId, attempt }) => (
      <>
        <Link className="row-link" href={devicePath(deviceId)}>
          <bdi>{deviceId}</bdi>
        </Link>
        {attempt > 1 && (
          <span className="sub">
            <Trans>attempt {attempt}</Trans>
          </span>
        )}
      </>
    ),
  },
  { head: t`Wave`, cell: (deployment) => deployment.wave + 1 },
  {
    head: t`State`,
    className: "col-update",
    cell: (deployment) => (
      <DeploymentProgress deployment={deployment} words={standing(deployment, currentWave, presence)} />
    ),
  },
  { head: t`Code`, className: "col-why", cell: (deployment) => <CodeExplained coded={deployment} /> },
  { head: t`Changed`, cell: (deployment) => <TimeAgo at={deployment.updatedAt} /> },
];

type DeviceAction = "exclude" | "retry";

const acts = { exclude: excludeDevices, retry: retryDevices };

const deviceActionWords = {
  exclude: {
    label: t`Take out`,
    title: (id: string) => t`Take ${id} out of this rollout?`,
    confirm: t`Take out`,
    explains: t`It is offered this image no more, and gives up what it has downloaded of it. The rollout goes on without it.`,
  },
  retry: {
    label: t`Try again`,
    title: (id: string) => t`Try again on ${id}?`,
    confirm: t`Try again`,
    explains: t`It is offered the image once more, also where it has rolled it back or was taken out.`,
  },
} as const;

const excludable: readonly DeploymentStateName[] = ["queued", "unreached", "offered", "downloading", "verifying"];
const retriable: readonly DeploymentStateName[] = [...retriedStates, "cancelled"];

/** What can be done with one device of it. */
const actionsColumn = (
  state: RolloutState,
  onAsk: (deployment: Deployment, action: DeviceAction) => void,
): Column<Deployment> => ({
  head: t`Act`,
  bareOnCard: true,
  cell: (deployment) => {
    const action = [
      ...(mayAct(state, "exclude") && excludable.includes(deployment.state) ? ["exclude" as const] : []),
      ...(mayAct(state, "retry") && retriable.includes(deployment.state) ? ["retry" as const] : []),
    ][0];
    return (
      action && (
        <ActButton needs="rollouts:write" className="button small" onClick={() => onAsk(deployment, action)}>
          {deviceActionWords[action].label}
          <span className="visually-hidden"> {deployment.deviceId}</span>
        </ActButton>
      )
    );
  },
});

/** Of one state or of all, as far as they are loaded. */
function useDeployments({ id, decisionCount }: Rollout, shown: ShownState) {
  const listing = useFleet().deploymentListing(id, askedFor(shown));
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

const nobody: Presence = new Map();

/** Of those that wait for nothing but an offer, who is there. */
function usePresence(deployments: readonly Deployment[], currentWave: number): Presence {
  const waiting = deployments.filter(({ state, wave }) => state === "queued" && wave <= currentWave);
  return useResource(useFleet().presence(waiting.map(({ deviceId }) => deviceId))).value ?? nobody;
}

function DeploymentTable({ rollout, onChanged, shown: asked }: Shown & { shown: ShownState }): ReactNode {
  const { typed: query, setTyped: setQuery } = useTypedParam("query");
  const { listing, listed, problem } = useDeployments(rollout, asked);
  // What was loaded with the rollout stays until the page is there.
  const deployments = listed?.deployments ?? rollout.deployments;
  const loaded = count(deployments.length);
  const presence = usePresence(deployments, rollout.currentWave);
  const [asking, setAsking] = useState<{ deployment: Deployment; action: DeviceAction }>();
  const withActions = useMemo(
    () => [
      ...columnsOf(rollout.currentWave, presence),
      actionsColumn(rollout.state, (deployment, action) => setAsking({ deployment, action })),
    ],
    [rollout.state, rollout.currentWave, presence],
  );
  const shown = useMemo(
    () =>
      deployments
        .filter(
          (deployment) =>
            isShownAs(asked, deployment, rollout.currentWave) &&
            deployment.deviceId.includes(query.trim().toLowerCase()),
        )
        .sort((one, two) => one.wave - two.wave || one.deviceId.localeCompare(two.deviceId, "en", { numeric: true })),
    [deployments, asked, rollout.currentWave, query],
  );
  return (
    <>
      <div className="toolbar">
        <SearchField label={t`Search device id`} value={query} onChange={setQuery} />
        <p className="muted" role="status">
          {query.trim() !== "" && listed?.isMore && t`Searched in the first ${loaded}.`}
        </p>
      </div>
      {problem && (
        <ProblemNotice
          problem={problem}
          lead={t`Could not load the devices of this rollout`}
          onRetry={() => void listing.resource.reload()}
        />
      )}
      {shown.length > 0 ? (
        <DataTable
          caption={t`Devices of this rollout`}
          columns={withActions}
          rows={shown}
          rowKey={(deployment) => deployment.id}
          onMore={listed?.isMore ? () => listing.more() : undefined}
        />
      ) : (
        <p className="muted">
          <Trans>No device of this rollout matches.</Trans>
        </p>
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
