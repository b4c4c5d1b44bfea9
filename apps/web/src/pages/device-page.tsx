import { type ReactNode, useState } from "react";
import type { Deployment, DeviceDetail, DeviceLogEntry } from "@flipside/api/types";
import { deleteDevice, revokeDevice } from "../api/devices.ts";
import { DeleteDialog } from "../components/archiving.tsx";
import { type Column, DataTable } from "../components/data-table.tsx";
import { CodeExplained, DeploymentProgress } from "../components/deployment-progress.tsx";
import { DeviceCommands } from "../components/device-commands.tsx";
import { DeviceConfiguration } from "../components/device-configuration.tsx";
import { DeviceMetrics } from "../components/device-metrics.tsx";
import { ConfirmDialog } from "../components/dialog.tsx";
import { IdentityConflict } from "../components/identity-conflict.tsx";
import { Icon } from "../components/icon.tsx";
import { Link } from "../components/link.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Page } from "../components/page.tsx";
import { SlotBoxes } from "../components/slots.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { TimeAgo } from "../components/time-ago.tsx";
import { WhyLine } from "../components/why-line.tsx";
import { useFleet, useResource } from "../live/hooks.ts";
import { navigate, rolloutPath } from "../router.ts";
import {
  bootReasonWords,
  deploymentWords,
  entropyWords,
  healthWords,
  trustRelationMeans,
  wordsOf,
} from "../words/state-words.ts";
import { OnlineState } from "./devices-page.tsx";
import { TrustRefusal } from "./trust-page.tsx";

const dayMs = 86_400_000;
/** As the server asks of one that is deleted without being revoked. */
const isLongSilent = ({ lastSeenAt, enrolledAt }: DeviceDetail): boolean =>
  Date.now() - Date.parse(lastSeenAt ?? enrolledAt) >= 30 * dayMs;

export function DevicePage({ id }: { id: string }): ReactNode {
  const fleet = useFleet();
  const resource = fleet.device(id);
  const { value: device } = useResource(resource);
  const [asking, setAsking] = useState<"revoke" | "delete">();
  return (
    <Page
      title={id}
      back={{ href: "/devices", label: "Devices" }}
      beside={device && <OnlineState device={device} />}
      summary={
        device?.product ? (
          <>
            <bdi>{device.product}</bdi> · <bdi>{device.hardware}</bdi> rev {device.revision}
          </>
        ) : undefined
      }
      remark={device?.activeDeployment && <WhyLine resource={fleet.whyDevice(id)} />}
      actions={
        device && (
          <>
            {!device.revoked && (
              <button type="button" className="button danger-outline" onClick={() => setAsking("revoke")}>
                <Icon name="ban" /> Revoke
              </button>
            )}
            {(device.revoked || isLongSilent(device)) && (
              <button type="button" className="button danger-outline" onClick={() => setAsking("delete")}>
                <Icon name="cross" /> Delete…
              </button>
            )}
          </>
        )
      }
    >
      <Loaded resource={resource} what="this device">
        {(loaded) => (
          <>
            <IdentityConflict device={loaded} onCleared={() => resource.reload()} />
            <Details device={loaded} />
          </>
        )}
      </Loaded>
      {asking === "delete" && (
        <DeleteDialog
          what="device"
          name={id}
          action={async () => {
            await deleteDevice(id);
            navigate("/devices");
          }}
          onClose={() => setAsking(undefined)}
        >
          <p>
            What is known of it goes, with its claim: it comes back as a stranger, when its claim is imported again.
            Rollouts go on counting what it did in them, without its name.
          </p>
        </DeleteDialog>
      )}
      {asking === "revoke" && (
        <ConfirmDialog
          title={`Revoke ${id}?`}
          confirm="Revoke device"
          dangerous
          action={async () => {
            await revokeDevice(id);
            await resource.reload();
          }}
          onClose={() => setAsking(undefined)}
        >
          <p>
            The server ends the session of <strong>{id}</strong> at once and refuses the device from now on. It gets no
            more updates. What it runs goes on running.
          </p>
          <p>The console cannot take this back.</p>
        </ConfirmDialog>
      )}
    </Page>
  );
}

const deploymentColumns: Column<Deployment>[] = [
  {
    head: "Rollout",
    isName: true,
    cell: (deployment) => (
      <>
        <Link className="row-link" href={rolloutPath(deployment.rolloutId)}>
          {deployment.rolloutName}
        </Link>
        <span className="sub">
          to <bdi>{deployment.version}</bdi>
          {deployment.attempt > 1 && `, attempt ${deployment.attempt}`}
        </span>
      </>
    ),
  },
  { head: "State", className: "col-update", cell: (deployment) => <DeploymentProgress deployment={deployment} /> },
  { head: "Why", className: "col-why", cell: (deployment) => <CodeExplained coded={deployment} withTodo /> },
  { head: "Changed", cell: (deployment) => <TimeAgo at={deployment.updatedAt} /> },
];

const crashKinds = new Set(["crash", "trap", "watchdog"]);

function Details({ device }: { device: DeviceDetail }): ReactNode {
  const crashes = device.log.filter((entry) => crashKinds.has(entry.kind));
  const others = device.log.filter((entry) => !crashKinds.has(entry.kind));
  return (
    <>
      <section aria-labelledby="slots-heading">
        <h2 id="slots-heading" className="visually-hidden">
          Slots
        </h2>
        <SlotBoxes device={device} />
      </section>

      {device.activeDeployment && <ActiveDeployment deployment={device.activeDeployment} />}

      <Facts device={device} />

      <DeviceMetrics device={device} />

      <section className="panel" aria-labelledby="deployments-heading">
        <h2 id="deployments-heading">Deployments</h2>
        {device.deployments.length === 0 ? (
          <p className="muted">No rollout has included this device yet.</p>
        ) : (
          <DataTable
            caption="Deployments of this device, newest first"
            columns={deploymentColumns}
            rows={device.deployments}
            rowKey={(deployment) => deployment.id}
          />
        )}
      </section>

      <DeviceConfiguration device={device} />

      <DeviceCommands device={device} />

      <section className="panel" aria-labelledby="crash-heading">
        <h2 id="crash-heading">Crash log</h2>
        {crashes.length === 0 ? <p className="muted">No crash was reported.</p> : <Log entries={crashes} />}
      </section>

      {others.length > 0 && (
        <section className="panel" aria-labelledby="events-heading">
          <h2 id="events-heading">Other events</h2>
          <Log entries={others} />
        </section>
      )}
    </>
  );
}

function Facts({ device }: { device: DeviceDetail }): ReactNode {
  return (
    <section className="panel" aria-labelledby="details-heading">
      <h2 id="details-heading">Details</h2>
      <dl className="details">
        <Detail term="Health">
          <StateBadge words={wordsOf(healthWords, device.health)} />
        </Detail>
        <Detail term="Last seen">{device.lastSeenAt ? <TimeAgo at={device.lastSeenAt} /> : "never"}</Detail>
        {device.agent !== "flipside" && (
          <Detail term="Agent">another one, by {device.agent === "mender" ? "Mender" : "hawkBit"}’s interface</Detail>
        )}
        <Detail term="Enrolled">{device.enrolledAt ? <TimeAgo at={device.enrolledAt} /> : "not yet"}</Detail>
        <Detail term="Last start">
          {device.bootReason ? (bootReasonWords[device.bootReason] ?? device.bootReason) : "unknown"}
        </Detail>
        <Detail term="Starts counted">{device.bootCounter ?? "unknown"}</Detail>
        <Detail term="Release sequence">{device.running?.releaseSequence ?? "unknown"}</Detail>
        <Detail term="Security floor">{device.securityFloor ?? "unknown"}</Detail>
        <Detail term="Boot loader">{device.loaderVersion ?? "unknown"}</Detail>
        <Detail term="Trust record">
          {device.trustVersion ?? "unknown"}
          {trustRelationMeans[device.trustRelation] && (
            <div className="sub">{trustRelationMeans[device.trustRelation]}</div>
          )}
          {device.trustRefused && <TrustRefusal refusal={device.trustRefused} />}
        </Detail>
        <Detail term="Randomness">
          {device.entropy ? <StateBadge words={entropyWords[device.entropy]} /> : "unknown"}
        </Detail>
        <Detail term="Server">
          {device.connection ? (
            <>
              <bdi>{device.connection.host}</bdi>:{device.connection.port}
            </>
          ) : (
            "unknown"
          )}
        </Detail>
        {device.metric && <Detail term={device.metric.name}>{device.metric.value}</Detail>}
        {device.tags.length > 0 && <Detail term="Tags">{device.tags.join(", ")}</Detail>}
        {Object.entries(device.attributes).map(([name, value]) => (
          <Detail key={name} term={`attribute.${name}`}>
            <bdi>{String(value)}</bdi>
          </Detail>
        ))}
      </dl>
    </section>
  );
}

function ActiveDeployment({ deployment }: { deployment: Deployment }): ReactNode {
  return (
    <section className="panel active-deployment" aria-labelledby="active-heading">
      <h2 id="active-heading">
        Updating to <bdi>{deployment.version}</bdi>
      </h2>
      <DeploymentProgress deployment={deployment} />
      <p className="muted">
        {wordsOf(deploymentWords, deployment.state).means} Part of{" "}
        <Link href={rolloutPath(deployment.rolloutId)}>{deployment.rolloutName}</Link>, wave {deployment.wave + 1}.
      </p>
    </section>
  );
}

const Detail = ({ term, children }: { term: string; children: ReactNode }): ReactNode => (
  <div>
    <dt>{term}</dt>
    <dd>{children}</dd>
  </div>
);

const Log = ({ entries }: { entries: DeviceLogEntry[] }): ReactNode => (
  <ol className="log" role="list">
    {entries.map((entry, i) => (
      <li key={`${entry.at} ${i}`}>
        <span className="log-head">
          <code>{entry.kind}</code> <TimeAgo at={entry.at} />
        </span>
        <span className="log-detail">{entry.detail}</span>
      </li>
    ))}
  </ol>
);
