import { type ReactNode, useDeferredValue, useMemo, useState } from "react";
import { matchesQuery } from "@flipside/api/device-search";
import { outcomeOf } from "@flipside/api/rollout-arithmetic";
import type { Device } from "@flipside/api/types";
import type { FilterError } from "@flipside/device-filter";
import { type Column, DataTable } from "../components/data-table.tsx";
import { DeploymentProgress } from "../components/deployment-progress.tsx";
import { Icon } from "../components/icon.tsx";
import { ImportClaimsDialog } from "../components/import-claims-dialog.tsx";
import { Link } from "../components/link.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Page } from "../components/page.tsx";
import { SearchField } from "../components/search-field.tsx";
import { SlotPair } from "../components/slots.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { TimeAgo } from "../components/time-ago.tsx";
import { FilterField } from "../components/filter-field.tsx";
import { useFleet, useResource } from "../live/hooks.ts";
import { devicePath } from "../router.ts";
import { readFilter } from "../typed-filter.ts";
import { count, plural } from "../words/quantities.ts";
import { healthWords, wordsOf } from "../words/state-words.ts";

export function OnlineState({ device }: { device: Device }): ReactNode {
  if (device.revoked)
    return (
      <StateBadge words={{ label: "Revoked", tone: "bad", icon: "ban", means: "The server refuses this device." }} />
    );
  return (
    <span className="online">
      {device.online ? (
        <StateBadge words={{ label: "Online", tone: "ok", icon: "check", means: "A proven session is open." }} />
      ) : (
        <StateBadge words={{ label: "Offline", tone: "idle", icon: "cross", means: "No session is open." }} />
      )}
      {!device.online && (
        <span className="muted small-text">
          {device.lastSeenAt ? (
            <>
              seen <TimeAgo at={device.lastSeenAt} />
            </>
          ) : (
            "never seen"
          )}
        </span>
      )}
    </span>
  );
}

const columns: Column<Device>[] = [
  {
    head: "Device",
    isName: true,
    cell: (device) => (
      <>
        <Link className="row-link" href={devicePath(device.id)}>
          {device.id}
        </Link>
        <span className="sub">
          {device.product ? (
            <>
              <bdi>{device.product}</bdi> · <bdi>{device.hardware}</bdi> rev {device.revision}
            </>
          ) : (
            "waiting for enrolment"
          )}
        </span>
        {device.tags.length > 0 && <span className="sub">{device.tags.join(", ")}</span>}
      </>
    ),
  },
  { head: "Connection", cell: (device) => <OnlineState device={device} /> },
  { head: "Slots", bareOnCard: true, className: "col-slots", cell: (device) => <SlotPair device={device} /> },
  { head: "Health", cell: (device) => <StateBadge words={wordsOf(healthWords, device.health)} /> },
  {
    head: "Update",
    className: "col-update",
    cell: (device) =>
      device.activeDeployment && (
        <>
          <DeploymentProgress deployment={device.activeDeployment} />
          <span className="sub">
            to <bdi>{device.activeDeployment.version}</bdi>
          </span>
        </>
      ),
  },
];

export function DevicesPage(): ReactNode {
  const fleet = useFleet();
  const [importing, setImporting] = useState(false);
  return (
    <Page
      title="Devices"
      actions={
        <button type="button" className="button" onClick={() => setImporting(true)}>
          <Icon name="key" /> Import claims
        </button>
      }
    >
      <Loaded resource={fleet.devices} what="the list of devices">
        {(devices) => (devices.size === 0 ? <NoDevices /> : <DeviceList devices={[...devices.values()]} />)}
      </Loaded>
      {importing && <ImportClaimsDialog onClose={() => setImporting(false)} />}
    </Page>
  );
}

const NoDevices = (): ReactNode => (
  <div className="empty">
    <h2>No devices yet</h2>
    <p>
      A device joins with the claim secret that it left the factory with. Import pairs of device id and claim secret,
      then connect the devices: each appears here as soon as it has proven who it is.
    </p>
  </div>
);

/** Those that have every word that is searched, and are as the last filter says that could be read. */
function useShown(
  devices: Device[],
  query: string,
  filter: string,
): { shown: Device[]; fault: FilterError | undefined } {
  const releases = useResource(useFleet().releases).value;
  const [lastRead, setLastRead] = useState("");
  const read = useMemo(() => readFilter(filter, releases?.values() ?? [], Date.now()), [filter, releases]);
  // While one is being typed, it is wrong most of the time.
  if (read.fault === undefined && lastRead !== filter) setLastRead(filter);
  const shown = useMemo(() => {
    const applied = readFilter(lastRead, releases?.values() ?? [], Date.now());
    return devices
      .filter((device) => (applied.fault !== undefined || applied.matches(device)) && matchesQuery(device, query))
      .sort((one, two) => one.id.localeCompare(two.id, "en", { numeric: true }));
  }, [devices, releases, lastRead, query]);
  return { shown, fault: read.fault };
}

function foundWords(found: number, { query, filter, isWrong }: { query: string; filter: string; isWrong: boolean }) {
  if (isWrong) return "The list is by the last filter that could be read.";
  return query.trim() === "" && filter.trim() === "" ? "" : `${plural(found, "device")} found`;
}

function DeviceList({ devices }: { devices: Device[] }): ReactNode {
  const [query, setQuery] = useState("");
  const [filter, setFilter] = useState("");
  const [wanted, wantedFilter] = [useDeferredValue(query), useDeferredValue(filter)];
  const { shown, fault } = useShown(devices, wanted, wantedFilter);
  const online = devices.filter((device) => device.online && !device.revoked).length;
  const updating = devices.filter(
    ({ activeDeployment }) => activeDeployment && outcomeOf(activeDeployment.state) === "under-way",
  ).length;
  const unhealthy = devices.filter((device) => device.health === "unhealthy" && !device.revoked).length;
  return (
    <>
      <dl className="figures">
        <Figure label="Devices" value={count(devices.length)} />
        <Figure label="Online" value={count(online)} />
        <Figure label="Updating" value={count(updating)} />
        <Figure label="Unhealthy" value={count(unhealthy)} {...(unhealthy > 0 ? { tone: "bad" } : {})} />
      </dl>
      <div className="toolbar">
        <SearchField label="Search id, product, hardware, version, state" value={query} onChange={setQuery} />
        <p className="muted" role="status">
          {foundWords(shown.length, { query: wanted, filter: wantedFilter, isWrong: fault !== undefined })}
        </p>
      </div>
      <FilterField
        label="Filter"
        value={filter}
        onChange={setFilter}
        // Of what stands in the field now, not of what it was a moment ago.
        fault={filter === wantedFilter ? fault : undefined}
      />
      {shown.length > 0 ? (
        <DataTable caption="Devices" columns={columns} rows={shown} rowKey={(device) => device.id} />
      ) : (
        <div className="empty">
          <p>No device matches {wanted.trim() === "" ? "the filter" : `“${wanted}”`}.</p>
          <button
            type="button"
            className="button"
            onClick={() => {
              setQuery("");
              setFilter("");
            }}
          >
            Show all devices
          </button>
        </div>
      )}
    </>
  );
}

const Figure = ({ label, value, tone }: { label: string; value: string; tone?: string }): ReactNode => (
  <div className={`figure ${tone ? `tone-${tone}` : ""}`}>
    <dt>{label}</dt>
    <dd>{value}</dd>
  </div>
);
