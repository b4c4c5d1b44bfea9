// What a list of devices shows of each: columns of one line, of which everybody chooses some. The choice is in the
// address, and kept by the browser for the next time.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import type { Device } from "@flipside/api/types";
import { attributeNamePattern } from "@flipside/api/limits";
import { devicePath } from "../router.ts";
import { metricText } from "../words/metric-words.ts";
import { bootReasonWords, channelWords, healthWords, twoBoards, wordsOf } from "../words/state-words.ts";
import { DeploymentProgress } from "./deployment-progress.tsx";
import type { GridColumn } from "./grid.tsx";
import { Link } from "./link.tsx";
import { SlotPair } from "./slots.tsx";
import { StateBadge } from "./state-badge.tsx";
import { Term } from "./term.tsx";
import { TimeAt } from "./time-ago.tsx";

export type DeviceColumn = GridColumn<Device>;

const onlineWords = { label: t`Online`, tone: "ok", icon: "check", means: t`A proven session is open.` } as const;
const offlineWords = { label: t`Offline`, tone: "idle", icon: "cross", means: t`No session is open.` } as const;
const revokedWords = {
  label: t`Revoked`,
  tone: "bad",
  icon: "ban",
  means: t`The server refuses this device.`,
} as const;

export function ConnectionBadges({ device }: { device: Device }): ReactNode {
  if (device.revoked) return <StateBadge words={revokedWords} />;
  return (
    <span className="badges">
      <StateBadge words={device.online ? onlineWords : offlineWords} />
      {device.identityConflict && <StateBadge words={twoBoards} />}
    </span>
  );
}

const name: DeviceColumn = {
  id: "device",
  head: t`Device`,
  isName: true,
  sort: "id",
  track: "minmax(10rem, 1.4fr)",
  cell: ({ id }) => (
    <Link className="row-link" href={devicePath(id)}>
      {id}
    </Link>
  ),
};

const known = (value: string | number | null): ReactNode => (value === null ? "–" : <bdi>{value}</bdi>);

const To = ({ version }: { version: string }): ReactNode => (
  <Trans>
    to <bdi>{version}</bdi>
  </Trans>
);

/** In one word, as the interface has them. */
const relationWords: Record<Device["trustRelation"], string> = {
  same: t`same`,
  older: t`older`,
  ahead: t`ahead`,
  forked: t`forked`,
  unknown: t`unknown`,
};
const configurationStates: Record<Device["configurationState"], string> = {
  none: t`none`,
  waiting: t`waiting`,
  sent: t`sent`,
  "in-force": t`in-force`,
  refused: t`refused`,
};

const choosable: readonly DeviceColumn[] = [
  {
    id: "version",
    head: t`Version`,
    sort: "version",
    track: "minmax(6rem, 0.7fr)",
    cell: ({ running }) => known(running?.version ?? null),
  },
  {
    id: "connection",
    head: t`Connection`,
    track: "minmax(7rem, 0.8fr)",
    cell: (device) => <ConnectionBadges device={device} />,
  },
  {
    id: "lastSeen",
    head: t`Last seen`,
    sort: "lastSeenAt",
    track: "minmax(14.5rem, 1.3fr)",
    cell: ({ lastSeenAt }) => (lastSeenAt === null ? t`never` : <TimeAt at={lastSeenAt} />),
  },
  {
    id: "health",
    head: t`Health`,
    track: "minmax(7.5rem, 0.7fr)",
    cell: ({ health }) => <StateBadge words={wordsOf(healthWords, health)} />,
  },
  {
    id: "update",
    head: t`Update`,
    track: "minmax(11rem, 1.1fr)",
    cell: ({ activeDeployment }) =>
      activeDeployment && (
        <span className="grid-update">
          <DeploymentProgress deployment={activeDeployment} />
          <span className="muted">
            <To version={activeDeployment.version} />
          </span>
        </span>
      ),
  },
  {
    id: "tags",
    head: t`Tags`,
    headShown: (
      <Term of="tag">
        <Trans>Tags</Trans>
      </Term>
    ),
    track: "minmax(7rem, 1fr)",
    cell: ({ tags }) => tags.join(", "),
  },
  {
    id: "slots",
    head: t`Slots`,
    headShown: (
      <Term of="slot">
        <Trans>Slots</Trans>
      </Term>
    ),
    track: "minmax(21rem, 1.6fr)",
    cell: (device) => <SlotPair device={device} />,
  },
  { id: "product", head: t`Product`, track: "minmax(8rem, 1fr)", cell: ({ product }) => known(product) },
  {
    id: "hardware",
    head: t`Hardware`,
    track: "minmax(8rem, 1fr)",
    cell: ({ hardware, revision }) =>
      hardware === null ? (
        "–"
      ) : (
        <Trans>
          <bdi>{hardware}</bdi> rev {revision}
        </Trans>
      ),
  },
  {
    id: "enrolled",
    head: t`Enrolled`,
    sort: "enrolledAt",
    track: "minmax(14.5rem, 1.3fr)",
    cell: ({ enrolledAt }) => <TimeAt at={enrolledAt} />,
  },
  {
    id: "bootReason",
    head: t`Last start`,
    track: "minmax(8rem, 0.8fr)",
    cell: ({ bootReason }) => (bootReason === null ? "–" : (bootReasonWords[bootReason] ?? bootReason)),
  },
  { id: "bootCounter", head: t`Starts counted`, track: "8rem", cell: ({ bootCounter }) => known(bootCounter) },
  {
    id: "securityFloor",
    head: t`Security floor`,
    headShown: (
      <Term of="security floor">
        <Trans>Security floor</Trans>
      </Term>
    ),
    track: "8.5rem",
    cell: ({ securityFloor }) => known(securityFloor),
  },
  {
    id: "trust",
    head: t`Trust record`,
    headShown: (
      <Term of="trust record">
        <Trans>Trust record</Trans>
      </Term>
    ),
    track: "9rem",
    cell: ({ trustVersion, trustRelation }) =>
      trustVersion === null
        ? "–"
        : trustRelation === "same"
          ? trustVersion
          : t`${trustVersion}, ${{ relation: relationWords[trustRelation] }}`,
  },
  {
    id: "configuration",
    head: t`Configuration`,
    headShown: (
      <Term of="configuration">
        <Trans>Configuration</Trans>
      </Term>
    ),
    track: "8.5rem",
    cell: ({ configurationState }) => configurationStates[configurationState],
  },
  {
    id: "metric",
    head: t`Metric`,
    track: "minmax(9rem, 1fr)",
    cell: ({ metric }) =>
      metric && (
        <>
          <bdi>{metric.name}</bdi> {metricText(metric.name, metric.value)}
        </>
      ),
  },
  {
    id: "channel",
    head: t`Channel`,
    track: "8rem",
    cell: ({ channel }) => channel && <StateBadge words={channelWords[channel]} />,
  },
  { id: "agent", head: t`Agent`, track: "6.5rem", cell: ({ agent }) => agent },
];

const usual = ["version", "connection", "lastSeen", "health", "update", "tags"];

const attributeColumn = (id: string): DeviceColumn | undefined => {
  const attribute = /^attribute\.(.+)$/.exec(id)?.[1];
  if (attribute === undefined || !attributeNamePattern.test(attribute)) return undefined;
  return {
    id,
    head: id,
    track: "minmax(8rem, 1fr)",
    cell: ({ attributes }) => (Object.hasOwn(attributes, attribute) ? known(String(attributes[attribute])) : "–"),
  };
};

const columnOf = (id: string): DeviceColumn | undefined =>
  choosable.find((each) => each.id === id) ?? attributeColumn(id);

/** What may be chosen, with attributes that these devices have said. */
export function columnsOffered(devices: readonly Device[]): DeviceColumn[] {
  const attributes = new Set(devices.slice(0, 500).flatMap((device) => Object.keys(device.attributes)));
  return [...choosable, ...[...attributes].sort().flatMap((each) => attributeColumn(`attribute.${each}`) ?? [])];
}

const key = "flipside-device-columns";

function keptColumns(): string[] | undefined {
  try {
    return localStorage.getItem(key)?.split(",");
  } catch {
    return undefined;
  }
}

export function keepColumns(ids: readonly string[]): void {
  try {
    localStorage.setItem(key, ids.join(","));
  } catch {
    // A browser that keeps nothing: the address has them.
  }
}

/** As the address says, else as they were chosen last. */
export function chosenColumns(asked: string): { ids: string[]; columns: DeviceColumn[] } {
  const wanted = asked === "" ? (keptColumns() ?? usual) : asked.split(",");
  const found = wanted.flatMap((id) => columnOf(id) ?? []);
  return { ids: found.map(({ id }) => id), columns: [name, ...found] };
}
