import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
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
import { KnownReleaseState } from "../components/known-release-state.tsx";
import { Link } from "../components/link.tsx";
import { Loaded } from "../components/loaded.tsx";
import { MeasuredStart } from "../components/measured-start.tsx";
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
  channelWords,
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
      back={{ href: "/devices", label: t`Devices` }}
      beside={device && <OnlineState device={device} />}
      summary={device?.product ? <Board device={device} /> : undefined}
      remark={device?.activeDeployment && <WhyLine resource={fleet.whyDevice(id)} />}
      actions={device && <DeviceActs device={device} onDone={() => resource.reload()} />}
    >
      <Loaded resource={resource} what={t`this device`}>
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

const Board = ({ device: { product, hardware, revision } }: { device: DeviceDetail }): ReactNode => (
  <Trans>
    <bdi>{product}</bdi> · <bdi>{hardware}</bdi> rev {revision}
  </Trans>
);

const deploymentColumns: Column<Deployment>[] = [
  {
    head: t`Rollout`,
    isName: true,
    cell: ({ rolloutId, rolloutName, version, attempt }) => (
      <>
        <Link className="row-link" href={rolloutPath(rolloutId)}>
          {rolloutName}
        </Link>
        <span className="sub">
          {attempt > 1 ? (
            <Trans>
              to <bdi>{version}</bdi>, attempt {attempt}
            </Trans>
          ) : (
            <Trans>
              to <bdi>{version}</bdi>
            </Trans>
          )}
        </span>
      </>
    ),
  },
  { head: t`State`, className: "col-update", cell: (deployment) => <DeploymentProgress deployment={deployment} /> },
  { head: t`Why`, className: "col-why", cell: (deployment) => <CodeExplained coded={deployment} withTodo /> },
  { head: t`Changed`, cell: (deployment) => <TimeAgo at={deployment.updatedAt} /> },
];

function Details({ device }: { device: DeviceDetail }): ReactNode {
  return (
    <>
      <section aria-labelledby="slots-heading">
        <h2 id="slots-heading" className="visually-hidden">
          <Trans>Slots</Trans>
        </h2>
        <SlotBoxes device={device} />
      </section>

      {device.activeDeployment && <ActiveDeployment deployment={device.activeDeployment} />}

      <Facts device={device} />

      <DeviceMetrics device={device} />

      <section className="panel" aria-labelledby="deployments-heading">
        <h2 id="deployments-heading">
          <Term of="deployment">
            <Trans>Deployments</Trans>
          </Term>
        </h2>
        {device.deployments.length === 0 ? (
          <p className="muted">
            <Trans>No rollout has included this device yet.</Trans>
          </p>
        ) : (
          <DataTable
            caption={t`Deployments of this device, newest first`}
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
      <h2 id="details-heading">{t`Details`}</h2>
      <dl className="details">
        <Detail term={<Term of="health">{t`Health`}</Term>}>
          <StateBadge words={wordsOf(healthWords, device.health)} />
        </Detail>
        <Detail term={t`Last seen`}>{device.lastSeenAt ? <TimeAgo at={device.lastSeenAt} /> : t`never`}</Detail>
        {device.agent !== "flipside" && (
          <Detail term={t`Agent`}>
            <Trans>another one, by {{ maker: device.agent === "mender" ? "Mender" : "hawkBit" }}’s interface</Trans>
          </Detail>
        )}
        <Detail term={t`Enrolled`}>{device.enrolledAt ? <TimeAgo at={device.enrolledAt} /> : t`not yet`}</Detail>
        <Detail term={t`Last start`}>
          {device.bootReason ? (bootReasonWords[device.bootReason] ?? device.bootReason) : t`unknown`}
        </Detail>
        <Detail term={<Term of="boot counter">{t`Starts counted`}</Term>}>{device.bootCounter ?? t`unknown`}</Detail>
        <Detail term={<Term of="release sequence">{t`Release sequence`}</Term>}>
          {device.running?.releaseSequence ?? t`unknown`}
        </Detail>
        <Detail term={<Term of="security floor">{t`Security floor`}</Term>}>
          {device.securityFloor ?? t`unknown`}
        </Detail>
        <Detail term={<Term of="boot loader">{t`Boot loader`}</Term>}>{device.loaderVersion ?? t`unknown`}</Detail>
        <Detail term={<Term of="trust record">{t`Trust record`}</Term>}>
          {device.trustVersion ?? t`unknown`}
          {trustRelationMeans[device.trustRelation] && (
            <div className="sub">{trustRelationMeans[device.trustRelation]}</div>
          )}
          {device.trustRefused && <TrustRefusal refusal={device.trustRefused} />}
        </Detail>
        <Detail term={<Term of="randomness">{t`Randomness`}</Term>}>
          {device.entropy ? <StateBadge words={entropyWords[device.entropy]} /> : t`unknown`}
        </Detail>
        <Detail term={t`Connection`}>
          {device.channel ? <StateBadge words={channelWords[device.channel]} /> : t`unknown`}
        </Detail>
        <Detail term={t`Server`}>
          {device.connection ? (
            <>
              <bdi>{device.connection.host}</bdi>:{device.connection.port}
            </>
          ) : (
            t`unknown`
          )}
        </Detail>
        {device.metric && (
          <Detail term={device.metric.name}>{metricText(device.metric.name, device.metric.value)}</Detail>
        )}
        {device.tags.length > 0 && <Detail term={<Term of="tag">{t`Tags`}</Term>}>{device.tags.join(", ")}</Detail>}
        {Object.entries(device.attributes).map(([name, value]) => (
          <Detail key={name} term={`attribute.${name}`}>
            <bdi>{String(value)}</bdi>
          </Detail>
        ))}
        {device.measured && (
          <Detail isWide term={<Term of="measurement">{t`Started from`}</Term>}>
            <MeasuredStart measured={device.measured} />
          </Detail>
        )}
        {device.releaseState && (
          <Detail isWide term={<Term of="release state">{t`Newest release it knows of`}</Term>}>
            <KnownReleaseState state={device.releaseState} />
          </Detail>
        )}
      </dl>
    </section>
  );
}

function ActiveDeployment({ deployment }: { deployment: Deployment }): ReactNode {
  const { state, version, rolloutId, rolloutName, wave } = deployment;
  const { means } = wordsOf(deploymentWords, state);
  return (
    <section className="panel active-deployment" aria-labelledby="active-heading">
      <h2 id="active-heading">
        <Trans>
          Updating to <bdi>{version}</bdi>
        </Trans>
      </h2>
      <DeploymentProgress deployment={deployment} />
      <p className="muted">
        <Trans>
          {means} Part of <Link href={rolloutPath(rolloutId)}>{rolloutName}</Link>, wave {{ wave: wave + 1 }}.
        </Trans>
      </p>
    </section>
  );
}

interface DetailProps {
  term: ReactNode;
  /** It has sentences to say. */
  isWide?: boolean;
  children: ReactNode;
}

const Detail = ({ term, isWide = false, children }: DetailProps): ReactNode => (
  <div className={isWide ? "wide" : undefined}>
    <dt>{term}</dt>
    <dd>{children}</dd>
  </div>
);
