import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useState } from "react";
import type { Device } from "@flipside/api/types";
import { devicePage } from "../api/devices.ts";
import { asProblem } from "../api/problem.ts";
import { useFleet, useResource } from "../live/hooks.ts";
import { navigate } from "../router.ts";
import { useUser } from "../session.tsx";
import { useModal } from "../use-modal.ts";
import { type Act, type Entry, entriesFor, shownMax } from "./entries.ts";

const settleMs = 150;

/** Devices that match what is typed, once it has been left alone for a moment; or why they could not be asked for. */
function useFoundDevices(typed: string): { devices: readonly Device[]; fault: string | undefined } {
  const [found, setFound] = useState<{ devices: readonly Device[]; fault: string | undefined }>({
    devices: [],
    fault: undefined,
  });
  useEffect(() => {
    const query = typed.trim();
    if (query === "") return setFound({ devices: [], fault: undefined });
    let isOver = false;
    const timer = setTimeout(async () => {
      try {
        const { devices } = await devicePage({ query, limit: String(shownMax) });
        if (!isOver) setFound({ devices, fault: undefined });
      } catch (thrown) {
        if (!isOver) setFound({ devices: [], fault: asProblem(thrown).message });
      }
    }, settleMs);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [typed]);
  return found;
}

/** Where the arrows lead: around, from the last to the first. */
const moved = (from: number, by: number, length: number): number => (length === 0 ? 0 : (from + by + length) % length);

function Options({
  entries,
  chosen,
  listId,
  onTake,
}: {
  entries: readonly Entry[];
  chosen: number;
  listId: string;
  onTake: (entry: Entry) => void;
}): ReactNode {
  return (
    // biome-ignore-start lint/a11y: the field has the focus and the keys; this is the list that it names
    <div className="palette-list" role="listbox" id={listId} aria-label={t`Found`}>
      {entries.map((entry, at) => (
        <div key={entry.key} role="presentation">
          {entry.group !== entries[at - 1]?.group && <p className="palette-group">{entry.group}</p>}
          <div
            role="option"
            id={`${listId}-${at}`}
            aria-selected={at === chosen}
            className="palette-option"
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => onTake(entry)}
          >
            <bdi>{entry.label}</bdi>
            {entry.note !== undefined && <span className="muted small-text">{entry.note}</span>}
          </div>
        </div>
      ))}
    </div>
    // biome-ignore-end lint/a11y: see above
  );
}

/** Finds pages, devices, rollouts and releases by a few letters, and opens them. `onAct`: what is done, not opened. */
export function CommandPalette({ onAct, onClose }: { onAct: (act: Act) => void; onClose: () => void }): ReactNode {
  const fleet = useFleet();
  const user = useUser();
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState(0);
  const rollouts = useResource(fleet.rollouts).value;
  const releases = useResource(fleet.releases).value;
  const { devices, fault } = useFoundDevices(typed);
  const entries = entriesFor(typed, {
    ...{ user, devices },
    rollouts: [...(rollouts?.values() ?? [])],
    releases: [...(releases?.values() ?? [])],
  });
  const at = Math.min(chosen, Math.max(0, entries.length - 1));
  const dialog = useModal();
  const listId = useId();
  useEffect(() => {
    document.getElementById(`${listId}-${at}`)?.scrollIntoView({ block: "nearest" });
  }, [at, listId]);

  const take = ({ opens }: Entry): void => {
    onClose();
    if ("act" in opens) onAct(opens.act);
    // A page of its own, and not of the console's.
    else if (opens.path.startsWith("/brick-it/")) window.location.assign(opens.path);
    else navigate(opens.path);
  };
  const press = (event: KeyboardEvent): void => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by !== undefined) setChosen(moved(at, by, entries.length));
    else if (event.key === "Enter" && entries[at] !== undefined) take(entries[at]);
    else return;
    event.preventDefault();
  };
  return (
    <dialog
      ref={dialog}
      className="palette"
      aria-label={t`Find`}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <input
        type="text"
        role="combobox"
        aria-label={t`Find a page, a device, a rollout, a release, or something to do`}
        aria-expanded="true"
        aria-controls={listId}
        aria-activedescendant={entries.length === 0 ? undefined : `${listId}-${at}`}
        aria-autocomplete="list"
        placeholder={t`A page, a device, a rollout, something to do…`}
        autoComplete="off"
        spellCheck={false}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setChosen(0);
        }}
        onKeyDown={press}
      />
      <Options entries={entries} chosen={at} listId={listId} onTake={take} />
      <p className="muted small-text" role="status">
        {fault === undefined
          ? plural({ found: entries.length }, { one: "# match.", other: "# matches." })
          : t`Devices could not be found: ${fault}`}{" "}
        <Trans>Up and down to choose, Enter to open, Escape to leave.</Trans>
      </p>
    </dialog>
  );
}
