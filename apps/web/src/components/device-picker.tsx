// Choosing devices by hand: search, tick, or take all that the search finds.

import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { pageMembersMax } from "@flipside/api/limits";
import type { ProblemError } from "@flipside/api/problem";
import type { Device, Release } from "@flipside/api/types";
import { devicePage } from "../api/devices.ts";
import { asProblem } from "../api/problem.ts";
import { useFleet, useResource } from "../live/hooks.ts";
import { fittingFilter } from "../release-fit.ts";
import { useSettled } from "../use-settled.ts";
import { count } from "../words/quantities.ts";
import { ProblemNotice } from "./problem-notice.tsx";
import { SearchField } from "./search-field.tsx";

interface Props {
  /** Devices that it fits are offered. */
  release: Release;
  picked: ReadonlySet<string>;
  /** Of what is picked when it is called: an answer may come after another click. */
  onPick: (change: (picked: ReadonlySet<string>) => ReadonlySet<string>) => void;
  /** Hears of those that are in the list. */
  onShown: (devices: readonly Device[]) => void;
}

const typingMs = 150;

/** Who wants more is better served by a filter, which the server reads once. */
const pickedMax = 10_000;

type Page = Awaited<ReturnType<typeof devicePage>>;

interface Found {
  devices: Device[];
  isMore: boolean;
}

/** All that are found, as many as may be picked. */
async function everyFound(asked: { query: string; filter: string }): Promise<Found> {
  const devices: Device[] = [];
  let after: string | null | undefined;
  while (after !== null && devices.length < pickedMax) {
    const limit = String(Math.min(pageMembersMax, pickedMax - devices.length));
    const page: Page = await devicePage({ ...asked, limit, ...(after === undefined ? {} : { after }) });
    devices.push(...page.devices);
    after = page.next;
  }
  return { devices, isMore: after !== null };
}

const withPicked = (picked: ReadonlySet<string>, id: string, wanted: boolean): ReadonlySet<string> =>
  new Set(wanted ? [...picked, id] : [...picked].filter((each) => each !== id));

export function DevicePicker({ release, picked, onPick, onShown }: Props): ReactNode {
  const [query, setQuery] = useState("");
  const settled = useSettled(query, typingMs);
  const filter = useMemo(() => fittingFilter(release), [release]);
  const fleet = useFleet();
  const listing = fleet.deviceListing({ query: settled, filter, sort: "id" });
  const { value: listed, problem } = useResource(listing.resource);
  useEffect(() => {
    if (listed !== undefined) onShown(listed.devices);
  }, [listed, onShown]);
  return (
    <div className="picker">
      <div className="toolbar">
        <SearchField label={t`Search devices to pick`} value={query} onChange={setQuery} />
        <PickFound
          asked={{ query: query.trim(), filter }}
          onFound={(devices) => {
            onShown(devices);
            onPick((before) => new Set([...before, ...devices.map(({ id }) => id)]));
          }}
        />
        <button type="button" className="button small quiet" onClick={() => onPick(() => new Set())}>
          <Trans>Pick none</Trans>
        </button>
      </div>
      {problem && (
        <ProblemNotice
          problem={problem}
          lead={t`Could not load the devices to pick from`}
          onRetry={() => void listing.resource.reload()}
        />
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and who has no mouse scrolls it by keys */}
      <ul className="picker-list" role="list" tabIndex={0} aria-label={t`Devices to pick from`}>
        {listed?.devices.map((device) => (
          <li key={device.id}>
            <PickedRow
              device={device}
              isPicked={picked.has(device.id)}
              onPick={(wanted) => onPick((before) => withPicked(before, device.id, wanted))}
            />
          </li>
        ))}
        {listed?.devices.length === 0 && !listed.isMore && (
          <li className="muted">
            <Trans>No device that the release fits matches.</Trans>
          </li>
        )}
        {listed?.isMore && (
          <li>
            <button type="button" className="button small" onClick={() => void listing.more()}>
              <Trans>Show more devices</Trans>
            </button>
          </li>
        )}
      </ul>
    </div>
  );
}

interface RowProps {
  device: Device;
  isPicked: boolean;
  onPick: (wanted: boolean) => void;
}

const PickedRow = ({ device, isPicked, onPick }: RowProps): ReactNode => (
  <label className="choice">
    <input type="checkbox" checked={isPicked} onChange={(event) => onPick(event.target.checked)} />
    <span>
      {device.id}{" "}
      <span className="muted small-text">
        {device.running && (
          <>
            <bdi>{device.running.version}</bdi>,{" "}
          </>
        )}
        {device.online ? t`online` : t`offline`}
      </span>
    </span>
  </label>
);

interface PickFoundProps {
  asked: { query: string; filter: string };
  onFound: (devices: Device[]) => void;
}

function PickFound({ asked, onFound }: PickFoundProps): ReactNode {
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState<Found | ProblemError>();
  const pick = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setDone(undefined);
    try {
      const found = await everyFound(asked);
      onFound(found.devices);
      setDone(found);
    } catch (thrown) {
      setDone(asProblem(thrown));
    }
    setBusy(false);
  };
  return (
    <>
      <button type="button" className="button small" aria-disabled={busy} onClick={() => void pick()}>
        {busy ? t`Picking…` : asked.query === "" ? t`Pick all` : t`Pick all found`}
      </button>
      {done !== undefined && "devices" in done && (
        <span className="muted" role="status">
          {plural(done.devices.length, { one: "# device picked.", other: "# devices picked." })}{" "}
          {done.isMore &&
            t`There are more: no more than ${count(pickedMax)} can be picked. A filter takes all of them.`}
        </span>
      )}
      {done !== undefined && !("devices" in done) && (
        <ProblemNotice problem={done} lead={t`They could not be picked`} />
      )}
    </>
  );
}
