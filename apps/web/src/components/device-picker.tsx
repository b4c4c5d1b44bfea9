import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useMemo, useState } from "react";
import { matchesQuery } from "@flipside/api/device-search";
import type { Device } from "@flipside/api/types";
import { count } from "../words/quantities.ts";
import { SearchField } from "./search-field.tsx";

interface Props {
  devices: Device[];
  picked: ReadonlySet<string>;
  onPick: (picked: ReadonlySet<string>) => void;
}

const shownMax = 200;

/** Choosing devices by hand: search, tick, or take all that the search found. */
export function DevicePicker({ devices, picked, onPick }: Props): ReactNode {
  const [query, setQuery] = useState("");
  const found = useMemo(
    () =>
      devices
        .filter((device) => matchesQuery(device, query))
        .sort((one, two) => one.id.localeCompare(two.id, "en", { numeric: true })),
    [devices, query],
  );
  const change = (ids: string[], wanted: boolean): void => {
    const next = new Set(picked);
    for (const id of ids) {
      if (wanted) next.add(id);
      else next.delete(id);
    }
    onPick(next);
  };
  const [many, more] = [count(found.length), count(found.length - shownMax)];
  const ids = found.map((device) => device.id);
  return (
    <div className="picker">
      <div className="toolbar">
        <SearchField label={t`Search devices to pick`} value={query} onChange={setQuery} />
        <button type="button" className="button small" onClick={() => change(ids, true)}>
          {query.trim() === "" ? t`Pick all (${many})` : t`Pick found (${many})`}
        </button>
        <button type="button" className="button small quiet" onClick={() => onPick(new Set())}>
          <Trans>Pick none</Trans>
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and who has no mouse scrolls it by keys */}
      <ul className="picker-list" role="list" tabIndex={0} aria-label={t`Devices to pick from`}>
        {found.slice(0, shownMax).map((device) => (
          <li key={device.id}>
            <label className="choice">
              <input
                type="checkbox"
                checked={picked.has(device.id)}
                onChange={(event) => change([device.id], event.target.checked)}
              />
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
          </li>
        ))}
        {found.length === 0 && (
          <li className="muted">
            <Trans>No device that the release fits matches.</Trans>
          </li>
        )}
        {found.length > shownMax && <li className="muted">{t`${more} more: narrow the search to see them.`}</li>}
      </ul>
    </div>
  );
}
