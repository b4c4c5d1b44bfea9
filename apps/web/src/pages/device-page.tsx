import type { ReactNode } from "react";
import type { Deployment, DeviceDetail } from "@flipside/api/types";
import { type Column, DataTable } from "../components/data-table.tsx";
import { CodeExplained, DeploymentProgress } from "../components/deployment-progress.tsx";
import { DeviceActs } from "../components/device-acts.tsx";
import { DeviceCommands } from "../components/device-commands.tsx";
import { DeviceConfiguration } from "../components/device-configuration.tsx";
import { DeviceMetrics } from "../components/device-metrics.tsx";
import { DeviceTimeline } from "../components/device-timeline.tsx";
import { IdentityConflict } from "../components/identity-conflict.tsx";
import { Link } from "../components/link.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Page } from "../components/page.tsx";
import { SlotBoxes } from "../components/slots.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { Term } from "../components/term.tsx";
import { TimeAgo } from "../components/time-ago.tsx";
import { WhyLine } from "../components/why-line.tsx";
import { useFleet, useResource } from "../live/hooks.ts";
import { rolloutPath } from "../router.ts";
import { metricText } from "../words/metric-words.ts";
import {
  bootReasonWords,
  deploymentWords,
  entropyWords,
  healthWords,
  trustRelationMeans,
  wordsOf,
} from "../words/state-words.ts";
import { OnlineState } from "./devices-page.tsx";
import { TrustRefusal } from "../components/records-of-devices.tsx";

export function DevicePage({ id }: { id: string }): ReactNode {
  const fleet = useFleet();
  const resource = fleet.device(id);
  const { value: device } = useResource(resource);
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
      actions={device && <DeviceActs device={device} onDone={() => resource.reload()} />}
    >
      <Loaded resource={resource} what="this device">
        {(loaded) => (
          <>
            <IdentityConflict device={loaded} onCleared={() => resource.reload()} />
            <Details device={loaded} />
          </>
        )}
      </Loaded>
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

function Details({ device }: { device: DeviceDetail }): ReactNode {
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
        <h2 id="deployments-heading">
          <Term of="deployment">Deployments</Term>
        </h2>
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

      <DeviceTimeline device={device} />
    </>
  );
}

function Facts({ device }: { device: DeviceDetail }): ReactNode {
  return (
    <section className="panel" aria-labelledby="details-heading">
      <h2 id="details-heading">Details</h2>
      <dl className="details">
        <Detail term={<Term of="health">Health</Term>}>
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
        <Detail term={<Term of="boot counter">Starts counted</Term>}>{device.bootCounter ?? "unknown"}</Detail>
        <Detail term={<Term of="release sequence">Release sequence</Term>}>
          {device.running?.releaseSequence ?? "unknown"}
        </Detail>
        <Detail term={<Term of="security floor">Security floor</Term>}>{device.securityFloor ?? "unknown"}</Detail>
        <Detail term={<Term of="boot loader">Boot loader</Term>}>{device.loaderVersion ?? "unknown"}</Detail>
        <Detail term={<Term of="trust record">Trust record</Term>}>
          {device.trustVersion ?? "unknown"}
          {trustRelationMeans[device.trustRelation] && (
            <div className="sub">{trustRelationMeans[device.trustRelation]}</div>
          )}
          {device.trustRefused && <TrustRefusal refusal={device.trustRefused} />}
        </Detail>
        <Detail term={<Term of="randomness">Randomness</Term>}>
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
        {device.metric && (
          <Detail term={device.metric.name}>{metricText(device.metric.name, device.metric.value)}</Detail>
        )}
        {device.tags.length > 0 && <Detail term={<Term of="tag">Tags</Term>}>{device.tags.join(", ")}</Detail>}
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

const Detail = ({ term, children }: { term: ReactNode; children: ReactNode }): ReactNode => (
  <div>
    <dt>{term}</dt>
    <dd>{children}</dd>
  </div>
);
