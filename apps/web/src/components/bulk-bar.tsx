// What can be done to the devices that are selected, and to how many: to some of those that are loaded, or to all that
// the filter means, which are counted first.

import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useEffect, useState } from "react";
import { deviceCsvHead, deviceCsvLine } from "@flipside/api/device-csv";
import { filterCharactersMax } from "@flipside/api/limits";
import type { Device } from "@flipside/api/types";
import { countDevices } from "../api/counted-devices.ts";
import { type DeviceTarget, devicesCsvPath } from "../api/devices.ts";
import type { DevicesAsked } from "../live/device-listing.ts";
import { newRolloutFor } from "../router.ts";
import { allSelected, isAnySelected, isSelected, nothingSelected, type Selection } from "../selection.ts";
import { count } from "../words/quantities.ts";
import { ActButton, ActLink } from "./act.tsx";
import { CommandManyDialog, RetryDialog, TagDialog } from "./bulk-dialogs.tsx";
import { Icon } from "./icon.tsx";
import { ProblemNotice } from "./problem-notice.tsx";
import { asProblem } from "../api/problem.ts";
import type { ProblemError } from "@flipside/api/problem";

interface Props {
  asked: DevicesAsked;
  loaded: readonly Device[];
  /** There are more than these. */
  isMore: boolean;
  /** Of the whole fleet, as far as it is seen. */
  total: number;
  selection: Selection;
  onSelect: (selection: Selection) => void;
}

interface Counted {
  devices: number | undefined;
  sofar: number;
  problem: ProblemError | undefined;
}

/** How many a filter means, once somebody wants to know; `known`: without a question. */
function useCounted(filter: string | undefined, known: number | undefined): Counted {
  const [counted, setCounted] = useState<Counted & { of: string }>();
  useEffect(() => {
    if (filter === undefined || known !== undefined) return;
    let isOver = false;
    const tell = (part: Partial<Counted>): void =>
      setCounted({ devices: undefined, sofar: 0, problem: undefined, ...part, of: filter });
    countDevices(filter, (sofar) => {
      if (!isOver) tell({ sofar });
      return !isOver;
    }).then(
      (devices) => !isOver && tell({ devices, sofar: devices }),
      (thrown) => !isOver && tell({ problem: asProblem(thrown) }),
    );
    return () => {
      isOver = true;
    };
  }, [filter, known]);
  if (known !== undefined) return { devices: known, sofar: known, problem: undefined };
  return counted !== undefined && counted.of === filter
    ? counted
    : { devices: undefined, sofar: 0, problem: undefined };
}

/** Undefined: they are too many to be named in one. */
function filterFor(target: DeviceTarget): string | undefined {
  if ("where" in target) return target.where;
  const filter = `id in (${target.deviceIds.join(", ")})`;
  return filter.length <= filterCharactersMax ? filter : undefined;
}

function save(devices: readonly Device[]): void {
  const text = deviceCsvHead + devices.map(deviceCsvLine).join("");
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = "devices.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function selectedWords(isAll: boolean, devices: number | undefined, counted: number): string {
  const [sofar, selected] = [count(counted), count(devices ?? 0)];
  if (devices === undefined) return t`All that match: ${sofar} counted so far…`;
  if (isAll) return t`All ${plural(devices, { one: "# device", other: "# devices" })} that match`;
  return t`${selected} selected`;
}

const dialogs = { tag: TagDialog, command: CommandManyDialog, retry: RetryDialog } as const;

export function BulkBar({ asked, loaded, isMore, total, selection, onSelect }: Props): ReactNode {
  const [dialog, setDialog] = useState<keyof typeof dialogs>();
  const [done, setDone] = useState<string>();
  const known = asked.filter.trim() === "" ? total : isMore ? undefined : loaded.length;
  const counted = useCounted(selection.all ? asked.filter : undefined, known);
  const chosen = loaded.filter(({ id }) => isSelected(selection, id));
  const devices = selection.all ? counted.devices : chosen.length;
  const target: DeviceTarget = selection.all
    ? { where: asked.filter.trim() === "" ? "has id" : asked.filter }
    : { deviceIds: chosen.map(({ id }) => id) };
  const Asked = dialog && dialogs[dialog];
  const isAny = isAnySelected(selection) && (selection.all || chosen.length > 0);
  return (
    <>
      <section className={`bulk-bar ${isAny ? "is-open" : ""}`} aria-label={t`Selected devices`}>
        <p role="status">
          {isAny && selectedWords(selection.all, devices, counted.sofar)}
          {!isAny && done}
        </p>
        {isAny && (
          <div className="actions">
            {!selection.all && <SelectAll {...{ asked, known, onSelect }} />}
            <RollOut target={target} />
            <ActButton needs="devices:write" className="button small" onClick={() => setDialog("tag")}>
              <Trans>Tag…</Trans>
            </ActButton>
            <ActButton needs="devices:command" className="button small" onClick={() => setDialog("command")}>
              <Trans>Command…</Trans>
            </ActButton>
            {!selection.all && (
              <ActButton needs="rollouts:write" className="button small" onClick={() => setDialog("retry")}>
                <Trans>Retry…</Trans>
              </ActButton>
            )}
            <Export {...{ asked, chosen }} isAll={selection.all} />
            <button type="button" className="button small quiet" onClick={() => onSelect(nothingSelected)}>
              <Icon name="cross" /> <Trans>Clear</Trans>
            </button>
          </div>
        )}
      </section>
      {selection.all && counted.problem && (
        <ProblemNotice problem={counted.problem} lead={t`The devices could not be counted`} />
      )}
      {Asked && (
        <Asked
          target={target}
          devices={devices}
          onDone={(what) => {
            setDone(what);
            onSelect(nothingSelected);
          }}
          onClose={() => setDialog(undefined)}
        />
      )}
    </>
  );
}

function SelectAll({
  asked,
  known,
  onSelect,
}: Pick<Props, "asked" | "onSelect"> & { known: number | undefined }): ReactNode {
  const all = count(known ?? 0);
  // Words are looked for in what is shown; only a filter says the same elsewhere.
  if (asked.query.trim() !== "")
    return (
      <span className="muted small-text">
        <Trans>To mean all that match, say it by the filter.</Trans>
      </span>
    );
  return (
    <button type="button" className="button small" onClick={() => onSelect(allSelected)}>
      {known === undefined ? t`Select all that match` : t`Select all ${all} that match`}
    </button>
  );
}

function RollOut({ target }: { target: DeviceTarget }): ReactNode {
  const filter = filterFor(target);
  if (filter === undefined)
    return (
      <span className="muted small-text">
        <Trans>To roll out to so many by name, tag them first.</Trans>
      </span>
    );
  return (
    <ActLink needs="rollouts:write" className="button small" href={newRolloutFor(filter)}>
      <Trans>Roll out to these</Trans>
    </ActLink>
  );
}

const Export = ({
  asked,
  chosen,
  isAll,
}: {
  asked: DevicesAsked;
  chosen: readonly Device[];
  isAll: boolean;
}): ReactNode =>
  isAll ? (
    <a className="button small" href={devicesCsvPath({ ...asked })} download="devices.csv">
      <Trans>Export CSV</Trans>
    </a>
  ) : (
    <button type="button" className="button small" onClick={() => save(chosen)}>
      <Trans>Export CSV</Trans>
    </button>
  );
