// What a list of devices shows of each: columns of one line, of which everybody chooses some. The choice is in the
// address, and kept by the browser for the next time.

import type { ReactNode } from "react";
import type { Device } from "@flipside/api/types";
import { attributeNamePattern } from "@flipside/api/limits";
import { devicePath } from "../router.ts";
import { metricText } from "../words/metric-words.ts";
import { bootReasonWords, healthWords, twoBoards, wordsOf } from "../words/state-words.ts";
import { DeploymentProgress } from "./deployment-progress.tsx";
import type { GridColumn } from "./grid.tsx";
import { Link } from "./link.tsx";
import { SlotPair } from "./slots.tsx";
import { StateBadge } from "./state-badge.tsx";
import { Term } from "./term.tsx";
import { TimeAt } from "./time-ago.tsx";

export type DeviceColumn = GridColumn<Device>;

const onlineWords = { label: "Online", tone: "ok", icon: "check", means: "A proven session is open." } as const;
const offlineWords = { label: "Offline", tone: "idle", icon: "cross", means: "No session is open." } as const;
const revokedWords = { label: "Revoked", tone: "bad", icon: "ban", means: "The server refuses this device." } as const;

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
  head: "Device",
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

const choosable: readonly DeviceColumn[] = [
  {
    id: "version",
    head: "Version",
    sort: "version",
    track: "minmax(6rem, 0.7fr)",
    cell: ({ running }) => known(running?.version ?? null),
  },
  {
    id: "connection",
    head: "Connection",
    track: "minmax(7rem, 0.8fr)",
    cell: (device) => <ConnectionBadges device={device} />,
  },
  {
    id: "lastSeen",
    head: "Last seen",
    sort: "lastSeenAt",
    track: "minmax(14.5rem, 1.3fr)",
    cell: ({ lastSeenAt }) => (lastSeenAt === null ? "never" : <TimeAt at={lastSeenAt} />),
  },
  {
    id: "health",
    head: "Health",
    track: "minmax(7.5rem, 0.7fr)",
    cell: ({ health }) => <StateBadge words={wordsOf(healthWords, health)} />,
  },
  {
    id: "update",
    head: "Update",
    track: "minmax(11rem, 1.1fr)",
    cell: ({ activeDeployment }) =>
      activeDeployment && (
        <span className="grid-update">
          <DeploymentProgress deployment={activeDeployment} />
          <span className="muted">
            to <bdi>{activeDeployment.version}</bdi>
          </span>
        </span>
      ),
  },
  {
    id: "tags",
    head: "Tags",
    headShown: <Term of="tag">Tags</Term>,
    track: "minmax(7rem, 1fr)",
    cell: ({ tags }) => tags.join(", "),
  },
  {
    id: "slots",
    head: "Slots",
    headShown: <Term of="slot">Slots</Term>,
    track: "minmax(21rem, 1.6fr)",
    cell: (device) => <SlotPair device={device} />,
  },
  { id: "product", head: "Product", track: "minmax(8rem, 1fr)", cell: ({ product }) => known(product) },
  {
    id: "hardware",
    head: "Hardware",
    track: "minmax(8rem, 1fr)",
    cell: ({ hardware, revision }) =>
      hardware === null ? (
        "–"
      ) : (
        <>
          <bdi>{hardware}</bdi> rev {revision}
        </>
      ),
  },
  {
    id: "enrolled",
    head: "Enrolled",
    sort: "enrolledAt",
    track: "minmax(14.5rem, 1.3fr)",
    cell: ({ enrolledAt }) => <TimeAt at={enrolledAt} />,
  },
  {
    id: "bootReason",
    head: "Last start",
    track: "minmax(8rem, 0.8fr)",
    cell: ({ bootReason }) => (bootReason === null ? "–" : (bootReasonWords[bootReason] ?? bootReason)),
  },
  { id: "bootCounter", head: "Starts counted", track: "8rem", cell: ({ bootCounter }) => known(bootCounter) },
  {
    id: "securityFloor",
    head: "Security floor",
    headShown: <Term of="security floor">Security floor</Term>,
    track: "8.5rem",
    cell: ({ securityFloor }) => known(securityFloor),
  },
  {
    id: "trust",
    head: "Trust record",
    headShown: <Term of="trust record">Trust record</Term>,
    track: "9rem",
    cell: ({ trustVersion, trustRelation }) =>
      trustVersion === null ? "–" : trustRelation === "same" ? trustVersion : `${trustVersion}, ${trustRelation}`,
  },
  {
    id: "configuration",
    head: "Configuration",
    headShown: <Term of="configuration">Configuration</Term>,
    track: "8.5rem",
    cell: ({ configurationState }) => configurationState,
  },
  {
    id: "metric",
    head: "Metric",
    track: "minmax(9rem, 1fr)",
    cell: ({ metric }) =>
      metric && (
        <>
          <bdi>{metric.name}</bdi> {metricText(metric.name, metric.value)}
        </>
      ),
  },
  { id: "agent", head: "Agent", track: "6.5rem", cell: ({ agent }) => agent },
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
