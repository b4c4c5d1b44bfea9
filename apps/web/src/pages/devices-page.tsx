import { type ReactNode, useMemo, useState } from "react";
import { outcomeCounts } from "@flipside/api/rollout-arithmetic";
import type { Device, DeviceSummary } from "@flipside/api/types";
import type { FilterError } from "@flipside/device-filter";
import { ActButton } from "../components/act.tsx";
import { type Column, DataTable } from "../components/data-table.tsx";
import { DeploymentProgress } from "../components/deployment-progress.tsx";
import { Icon } from "../components/icon.tsx";
import { ImportClaimsDialog } from "../components/import-claims-dialog.tsx";
import { Link } from "../components/link.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Page } from "../components/page.tsx";
import { ProblemNotice } from "../components/problem-notice.tsx";
import { SearchField } from "../components/search-field.tsx";
import { SlotPair } from "../components/slots.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { TimeAgo } from "../components/time-ago.tsx";
import { FilterField } from "../components/filter-field.tsx";
import type { DeviceListing, DevicesAsked, Listed } from "../live/device-listing.ts";
import { useFleet, useResource } from "../live/hooks.ts";
import type { Snapshot } from "../live/resource.ts";
import { devicePath } from "../router.ts";
import { readFilter } from "../typed-filter.ts";
import { useTypedParam } from "../typed-param.ts";
import { count, plural } from "../words/quantities.ts";
import { healthWords, twoBoards, wordsOf } from "../words/state-words.ts";

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
      {device.identityConflict && <StateBadge words={twoBoards} />}
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
        <ActButton needs="devices:enrol" className="button" onClick={() => setImporting(true)}>
          <Icon name="key" /> Import claims
        </ActButton>
      }
    >
      <Loaded resource={fleet.deviceSummary} what="how many devices there are">
        {(summary) => (summary.total === 0 ? <NoDevices /> : <DeviceList summary={summary} />)}
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

/** Of a search and a filter, as the last one says that could be read. */
function useListing(query: string, filter: string): { listing: DeviceListing; fault: FilterError | undefined } {
  const fleet = useFleet();
  const { fault } = useMemo(() => readFilter(filter, [], 0), [filter]);
  const [lastRead, setLastRead] = useState(fault === undefined ? filter : "");
  // While one is being typed, it is wrong most of the time.
  if (fault === undefined && lastRead !== filter) setLastRead(filter);
  return { listing: fleet.deviceListing({ query, filter: lastRead }), fault };
}

/** What was loaded last stays until the next is there. */
function useListed(listing: DeviceListing): Snapshot<Listed> {
  const snapshot = useResource(listing.resource);
  const [last, setLast] = useState(snapshot.value);
  if (snapshot.value !== undefined && snapshot.value !== last) setLast(snapshot.value);
  return { value: snapshot.value ?? last, problem: snapshot.problem };
}

function foundWords({ devices, isMore }: Listed, { query, filter, isWrong }: DevicesAsked & { isWrong: boolean }) {
  if (isWrong) return "The list is by the last filter that could be read.";
  if (query.trim() === "" && filter.trim() === "") return "";
  return isMore ? `${plural(devices.length, "device")} found so far` : `${plural(devices.length, "device")} found`;
}

/** Devices that are at work on an update now, by the counts of rollouts. */
function useUpdating(): number {
  const rollouts = useResource(useFleet().rollouts).value;
  return [...(rollouts?.values() ?? [])].reduce((sum, { counts }) => sum + outcomeCounts(counts)["under-way"], 0);
}

function DeviceList({ summary: { total, online, health } }: { summary: DeviceSummary }): ReactNode {
  const { typed: query, setTyped: setQuery, settled: wanted } = useTypedParam("query");
  const { typed: filter, setTyped: setFilter, settled: wantedFilter } = useTypedParam("filter");
  const { listing, fault } = useListing(wanted, wantedFilter);
  const { value: listed, problem } = useListed(listing);
  return (
    <>
      <dl className="figures">
        <Figure label="Devices" value={count(total)} />
        <Figure label="Online" value={count(online)} />
        <Figure label="Updating" value={count(useUpdating())} />
        <Figure label="Unhealthy" value={count(health.unhealthy)} {...(health.unhealthy > 0 ? { tone: "bad" } : {})} />
      </dl>
      <div className="toolbar">
        <SearchField
          label="Search id, product, hardware, version, state"
          example="Search: hall 1.2 not online, or failed"
          value={query}
          onChange={setQuery}
        />
        <p className="muted" role="status">
          {listed && foundWords(listed, { query: wanted, filter: wantedFilter, isWrong: fault !== undefined })}
        </p>
      </div>
      <FilterField
        label="Filter"
        value={filter}
        onChange={setFilter}
        // Of what stands in the field now, not of what it was a moment ago.
        fault={filter === wantedFilter ? fault : undefined}
      />
      {problem && (
        <ProblemNotice
          problem={problem}
          lead="Could not load the list of devices"
          onRetry={() => void listing.resource.reload()}
        />
      )}
      {listed === undefined && !problem && (
        <p className="loading" role="status">
          Loading the list of devices…
        </p>
      )}
      {listed && (listed.devices.length > 0 || listed.isMore) && (
        <DataTable
          caption="Devices"
          columns={columns}
          rows={listed.devices}
          rowKey={(device) => device.id}
          onMore={listed.isMore ? () => listing.more() : undefined}
        />
      )}
      {listed?.devices.length === 0 && !listed.isMore && (
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
