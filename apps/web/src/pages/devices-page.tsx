import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useCallback, useEffect, useId, useMemo, useState } from "react";
import { type DeviceSort, deviceSorts, isDeviceSort } from "@flipside/api/device-sorts";
import type { ProblemError } from "@flipside/api/problem";
import { outcomeCounts } from "@flipside/api/rollout-arithmetic";
import type { Device, DeviceSummary } from "@flipside/api/types";
import { ActButton } from "../components/act.tsx";
import { BulkBar } from "../components/bulk-bar.tsx";
import { ColumnsMenu } from "../components/columns-menu.tsx";
import {
  chosenColumns,
  columnsOffered,
  ConnectionBadges,
  type DeviceColumn,
  keepColumns,
} from "../components/device-columns.tsx";
import { DeviceGroups } from "../components/device-groups.tsx";
import { FilterChips } from "../components/filter-chips.tsx";
import { CompletingFilterField } from "../components/filter-field.tsx";
import { Grid } from "../components/grid.tsx";
import { Icon } from "../components/icon.tsx";
import { ImportClaimsDialog } from "../components/import-claims-dialog.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Page } from "../components/page.tsx";
import { ProblemNotice } from "../components/problem-notice.tsx";
import { SearchField } from "../components/search-field.tsx";
import { Term } from "../components/term.tsx";
import { TimeAgo } from "../components/time-ago.tsx";
import type { DeviceListing, DevicesAsked, Listed } from "../live/device-listing.ts";
import { useFleet, useResource } from "../live/hooks.ts";
import type { Snapshot } from "../live/resource.ts";
import { useKept } from "../places.ts";
import { devicePath, navigate, useParam } from "../router.ts";
import { nothingSelected } from "../selection.ts";
import { readFilter } from "../typed-filter.ts";
import { useTypedParam } from "../typed-param.ts";
import { count } from "../words/quantities.ts";

export function OnlineState({ device }: { device: Device }): ReactNode {
  return (
    <span className="online">
      <ConnectionBadges device={device} />
      {!device.revoked && !device.online && (
        <span className="muted small-text">
          {device.lastSeenAt ? (
            <Trans>
              seen <TimeAgo at={device.lastSeenAt} />
            </Trans>
          ) : (
            t`never seen`
          )}
        </span>
      )}
    </span>
  );
}

export function DevicesPage(): ReactNode {
  const fleet = useFleet();
  const [importing, setImporting] = useState(false);
  return (
    <Page
      title={t`Devices`}
      actions={
        <ActButton needs="devices:enrol" className="button" onClick={() => setImporting(true)}>
          <Icon name="key" /> <Trans>Import claims</Trans>
        </ActButton>
      }
    >
      <Loaded resource={fleet.deviceSummary} what={t`how many devices there are`}>
        {(summary) => (summary.total === 0 ? <NoDevices /> : <DeviceList summary={summary} />)}
      </Loaded>
      {importing && <ImportClaimsDialog onClose={() => setImporting(false)} />}
    </Page>
  );
}

const NoDevices = (): ReactNode => (
  <div className="empty">
    <h2>
      <Trans>No devices yet</Trans>
    </h2>
    <p>
      <Trans>
        A device joins with the secret of the <Term of="claim" /> that it left the factory with. Import pairs of device
        id and claim secret, then connect the devices: each appears here as soon as it has proven who it is.
      </Trans>
    </p>
  </div>
);

/** Of a search and a filter, as the last one says that could be read. */
function useListing(query: string, filter: string, sort: DeviceSort) {
  const fleet = useFleet();
  const { fault } = useMemo(() => readFilter(filter, [], 0), [filter]);
  const [lastRead, setLastRead] = useState(fault === undefined ? filter : "");
  // While one is being typed, it is wrong most of the time.
  if (fault === undefined && lastRead !== filter) setLastRead(filter);
  const asked: DevicesAsked = { query, filter: lastRead, sort };
  return { listing: fleet.deviceListing(asked), asked, fault };
}

/** What was loaded last stays until the next is there. */
function useListed(listing: DeviceListing): Snapshot<Listed> & { isStale: boolean } {
  const snapshot = useResource(listing.resource);
  const [last, setLast] = useState(snapshot.value);
  if (snapshot.value !== undefined && snapshot.value !== last) setLast(snapshot.value);
  return { value: snapshot.value ?? last, problem: snapshot.problem, isStale: snapshot.value === undefined };
}

function foundWords({ devices, isMore }: Listed, { query, filter, isWrong }: DevicesAsked & { isWrong: boolean }) {
  if (isWrong) return t`The list is by the last filter that could be read.`;
  if (query.trim() === "" && filter.trim() === "") return "";
  const found = devices.length;
  return isMore
    ? plural(found, { one: "# device found so far", other: "# devices found so far" })
    : plural(found, { one: "# device found", other: "# devices found" });
}

/** Devices that are at work on an update now, by the counts of rollouts. */
function useUpdating(): number {
  const rollouts = useResource(useFleet().rollouts).value;
  return [...(rollouts?.values() ?? [])].reduce((sum, { counts }) => sum + outcomeCounts(counts)["under-way"], 0);
}

function Figures({ summary: { total, online, health } }: { summary: DeviceSummary }): ReactNode {
  return (
    <dl className="figures">
      <Figure label={t`Devices`} value={count(total)} />
      <Figure label={t`Online`} value={count(online)} />
      <Figure label={t`Updating`} value={count(useUpdating())} />
      <Figure label={t`Unhealthy`} value={count(health.unhealthy)} {...(health.unhealthy > 0 ? { tone: "bad" } : {})} />
    </dl>
  );
}

function DeviceList({ summary }: { summary: DeviceSummary }): ReactNode {
  const { typed: query, setTyped: setQuery, settled: wanted } = useTypedParam("query");
  const { typed: filter, setTyped: setFilter, settled: wantedFilter } = useTypedParam("filter");
  const [sortAsked, setSort] = useParam("sort");
  const sort = isDeviceSort(sortAsked) ? sortAsked : "id";
  const { listing, asked, fault } = useListing(wanted, wantedFilter, sort);
  const [columnsAsked, setColumnsAsked] = useParam("columns");
  const { ids, columns } = useMemo(() => chosenColumns(columnsAsked), [columnsAsked]);
  const { value: listed } = useListed(listing);
  return (
    <>
      <Figures summary={summary} />
      <DeviceGroups asked={asked} columns={ids} />
      <div className="toolbar">
        <SearchField
          label={t`Search id, product, hardware, version, state`}
          example={t`Search: hall 1.2 not online, or failed`}
          value={query}
          onChange={setQuery}
        />
        <SortField sort={sort} onSort={setSort} />
        <ColumnsMenu
          offered={columnsOffered(listed?.devices ?? [])}
          chosen={ids}
          onChoose={(chosen) => {
            keepColumns(chosen);
            setColumnsAsked(chosen.join(","));
          }}
        />
        <p className="muted" role="status">
          {listed &&
            foundWords(listed, { ...asked, query: wanted, filter: wantedFilter, isWrong: fault !== undefined })}
        </p>
      </div>
      <CompletingFilterField
        label={t`Filter`}
        value={filter}
        onChange={setFilter}
        // Of what stands in the field now, not of what it was a moment ago.
        fault={filter === wantedFilter ? fault : undefined}
      />
      <FilterChips filter={asked.filter} onChange={setFilter} />
      <Rows
        {...{ listing, asked, summary, columns, sort }}
        onSort={(by) => setSort(by === "id" ? "" : by)}
        onShowAll={() => {
          setQuery("");
          setFilter("");
        }}
      />
    </>
  );
}

interface RowsProps {
  listing: DeviceListing;
  asked: DevicesAsked;
  summary: DeviceSummary;
  columns: readonly DeviceColumn[];
  sort: string;
  onSort: (sort: string) => void;
  onShowAll: () => void;
}

const keyOf = ({ id }: Device): string => id;

function Rows({ listing, asked, summary, columns, sort, onSort, onShowAll }: RowsProps): ReactNode {
  const { value: listed, problem, isStale } = useListed(listing);
  const [selection, setSelection] = useKept("selection", nothingSelected);
  // What was all of one list is not all of another.
  const of = JSON.stringify([asked.query, asked.filter]);
  const [selectedOf, setSelectedOf] = useState(of);
  if (selectedOf !== of) {
    setSelectedOf(of);
    if (selection.all) setSelection(nothingSelected);
  }
  const more = useCallback(() => void listing.more(), [listing]);
  // What is rare is looked for to the end, one bounded question after the other.
  const isLooking = listed?.devices.length === 0 && listed.isMore && !isStale && !problem;
  useEffect(() => {
    if (isLooking && listed !== undefined) more();
  }, [isLooking, listed, more]);
  if (listed === undefined)
    return problem ? (
      <ListProblem problem={problem} listing={listing} />
    ) : (
      <p className="loading" role="status">
        <Trans>Loading the list of devices…</Trans>
      </p>
    );
  const { devices, isMore } = listed;
  const isEverybody = asked.query.trim() === "" && asked.filter.trim() === "";
  const total = isMore ? (isEverybody ? summary.total : undefined) : devices.length;
  return (
    <>
      {problem && <ListProblem problem={problem} listing={listing} />}
      <BulkBar {...{ asked, isMore, selection }} loaded={devices} total={summary.total} onSelect={setSelection} />
      {devices.length > 0 && (
        <Grid
          label={t`Devices`}
          columns={columns}
          rows={devices}
          rowKey={keyOf}
          total={total}
          onMore={isMore && !isStale && !problem ? more : undefined}
          {...{ sort, onSort, selection }}
          onSelect={setSelection}
          onOpen={({ id }) => navigate(devicePath(id))}
        />
      )}
      {isMore && (
        <p className="more muted" role="status">
          {devices.length === 0
            ? t`None so far; looking further…`
            : t`${{ loaded: count(devices.length) }} loaded, more as you scroll.`}
        </p>
      )}
      {devices.length === 0 && !isMore && (
        <div className="empty">
          <p>
            {asked.query.trim() === ""
              ? t`No device matches the filter.`
              : t`No device matches “${{ query: asked.query }}”.`}
          </p>
          <button type="button" className="button" onClick={onShowAll}>
            <Trans>Show all devices</Trans>
          </button>
        </div>
      )}
    </>
  );
}

const ListProblem = ({ problem, listing }: { problem: ProblemError; listing: DeviceListing }): ReactNode => (
  <ProblemNotice
    problem={problem}
    lead={t`Could not load the list of devices`}
    onRetry={() => void listing.resource.reload()}
  />
);

const sortWords: Record<DeviceSort, string> = {
  id: t`Id`,
  "-id": t`Id, from the end`,
  lastSeenAt: t`Silent longest`,
  "-lastSeenAt": t`Heard of last`,
  version: t`Oldest version`,
  "-version": t`Newest version`,
  enrolledAt: t`Enrolled first`,
  "-enrolledAt": t`Enrolled last`,
};

/** Where cards have no headings to press. */
function SortField({ sort, onSort }: { sort: DeviceSort; onSort: (sort: string) => void }): ReactNode {
  const id = useId();
  return (
    <div className="sort-field">
      <label htmlFor={id}>
        <Trans>Sort by</Trans>
      </label>
      <select id={id} value={sort} onChange={(event) => onSort(event.target.value === "id" ? "" : event.target.value)}>
        {deviceSorts.map((each) => (
          <option key={each} value={each}>
            {sortWords[each]}
          </option>
        ))}
      </select>
    </div>
  );
}

const Figure = ({ label, value, tone }: { label: string; value: string; tone?: string }): ReactNode => (
  <div className={`figure ${tone ? `tone-${tone}` : ""}`}>
    <dt>{label}</dt>
    <dd>{value}</dd>
  </div>
);
