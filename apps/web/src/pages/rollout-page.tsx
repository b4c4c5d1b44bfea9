import { type ReactNode, useMemo, useState } from "react";
import { possibleActions, type RolloutAction } from "@flipside/api/rollout-transitions";
import { succeededPercent } from "@flipside/api/rollout-arithmetic";
import type { Deployment, Rollout } from "@flipside/api/types";
import { actOnRollout } from "../api/rollouts.ts";
import { type Column, DataTable } from "../components/data-table.tsx";
import { CodeExplained, DeploymentProgress } from "../components/deployment-progress.tsx";
import { ConfirmDialog } from "../components/dialog.tsx";
import { Icon } from "../components/icon.tsx";
import { Link } from "../components/link.tsx";
import { Loaded } from "../components/loaded.tsx";
import { OutcomeBar } from "../components/outcome-bar.tsx";
import { Page } from "../components/page.tsx";
import { SearchField } from "../components/search-field.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { TimeAgo } from "../components/time-ago.tsx";
import { WaveTrack } from "../components/wave-track.tsx";
import { WhyLine } from "../components/why-line.tsx";
import { type DeploymentStateName, deploymentStateNames } from "../format.ts";
import { useFleet, useResource } from "../live/hooks.ts";
import { devicePath } from "../router.ts";
import { asSentence, count, plural } from "../words/quantities.ts";
import { deploymentWords, type IconName, rolloutWords, urgentRollout, wordsOf } from "../words/state-words.ts";

interface ActionWords {
  label: string;
  icon: IconName;
  title: string;
  confirm: string;
  explains: string;
  dangerous?: boolean;
}

const actionWords: Record<RolloutAction, ActionWords> = {
  pause: {
    label: "Pause",
    icon: "pause",
    title: "Pause this rollout?",
    confirm: "Pause rollout",
    explains:
      "No further device starts. Updates that devices have already begun go on to their end. You can resume at any time.",
  },
  resume: {
    label: "Resume",
    icon: "play",
    title: "Resume this rollout?",
    confirm: "Resume rollout",
    explains:
      "The present wave goes on with the devices that still wait, and later waves follow. What has failed in it so far counts as accepted: make sure that you know why it failed.",
  },
  approve: {
    label: "Approve next wave",
    icon: "check",
    title: "Approve the next wave?",
    confirm: "Approve wave",
    explains: "The next wave may start. Whoever made the rollout cannot approve it: somebody else has to.",
  },
  "start-next-wave": {
    label: "Start next wave",
    icon: "play",
    title: "Start the next wave now?",
    confirm: "Start wave",
    explains:
      "Its devices are offered the image at once, whatever the present wave has come to, and before its time. The devices of the present wave go on.",
  },
  cancel: {
    label: "Cancel rollout",
    icon: "stop",
    title: "Cancel this rollout?",
    confirm: "Cancel for good",
    explains:
      "Devices that wait or download are withdrawn. Those that have installed the image finish by themselves; devices already updated stay on the new version. A cancelled rollout cannot be resumed.",
    dangerous: true,
  },
  "end-late-offers": {
    label: "End late offers",
    icon: "stop",
    title: "Offer it to nobody any more?",
    confirm: "End late offers",
    explains:
      "Devices that were away in their wave are not offered the image when they come back. The rollout stays completed.",
    dangerous: true,
  },
};

/** Also one that is over may wait for those that were away. */
const waits = ({ finishedAt, counts }: Rollout): boolean => finishedAt === null || counts.unreached > 0;

export function RolloutPage({ id }: { id: string }): ReactNode {
  const fleet = useFleet();
  const resource = fleet.rollout(id);
  const { value: rollout } = useResource(resource);
  const [asking, setAsking] = useState<RolloutAction>();
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
        </>
      }
      summary={
        rollout && (
          <>
            Version <bdi>{rollout.version}</bdi> to {plural(rollout.total, "device")}, created{" "}
            <TimeAgo at={rollout.createdAt} /> by {rollout.createdBy}
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
        rollout &&
        possibleActions(rollout).map((action) => (
          <button
            key={action}
            type="button"
            className={`button ${actionWords[action].dangerous ? "danger-outline" : ""}`}
            onClick={() => setAsking(action)}
          >
            <Icon name={actionWords[action].icon} /> {actionWords[action].label}
          </button>
        ))
      }
    >
      <Loaded resource={resource} what="this rollout">
        {(loaded) => <Details rollout={loaded} />}
      </Loaded>
      {asking && rollout && (
        <ConfirmDialog
          title={actionWords[asking].title}
          confirm={actionWords[asking].confirm}
          {...(actionWords[asking].dangerous ? { dangerous: true } : {})}
          action={async () => resource.set(await actOnRollout(id, asking))}
          onClose={() => setAsking(undefined)}
        >
          <p>{actionWords[asking].explains}</p>
        </ConfirmDialog>
      )}
    </Page>
  );
}

function Details({ rollout }: { rollout: Rollout }): ReactNode {
  const [state, setState] = useState<DeploymentStateName | "all">("all");
  return (
    <>
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
        <div className="headline">
          <p className="headline-number">
            {succeededPercent(rollout)}
            <span> %</span>
          </p>
          <div className="headline-rest">
            <p>
              <strong>{count(rollout.counts.confirmed)}</strong> of {plural(rollout.total, "device")} run{" "}
              <bdi>{rollout.version}</bdi> and have proven it.
            </p>
            <OutcomeBar rollout={rollout} />
          </div>
        </div>
        <h3>Waves</h3>
        <WaveTrack rollout={rollout} />
      </section>

      <section className="panel" aria-labelledby="devices-heading">
        <h2 id="devices-heading">Devices</h2>
        <StateFilter rollout={rollout} chosen={state} onChoose={setState} />
        <DeploymentTable deployments={rollout.deployments} state={state} />
      </section>

      <section className="panel" aria-labelledby="decisions-heading">
        <h2 id="decisions-heading">Decisions</h2>
        <p className="muted">What people and the fleet manager decided, with the numbers they went by.</p>
        {rollout.decisions.length === 0 ? (
          <p className="muted">None yet.</p>
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

function DeploymentTable({
  deployments,
  state,
}: {
  deployments: Deployment[];
  state: DeploymentStateName | "all";
}): ReactNode {
  const [query, setQuery] = useState("");
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
      </div>
      {shown.length > 0 ? (
        <DataTable
          caption="Devices of this rollout"
          columns={columns}
          rows={shown}
          rowKey={(deployment) => deployment.id}
        />
      ) : (
        <p className="muted">No device of this rollout matches.</p>
      )}
    </>
  );
}
