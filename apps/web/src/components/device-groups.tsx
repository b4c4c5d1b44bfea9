// Groups: lists of devices that are kept under a name, one's own and those that others share. Each is a filter, words,
// an order and columns, all of which are in the address: a group is a link.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useCallback, useEffect, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import { viewNameCharactersMax } from "@flipside/api/limits";
import type { DeviceView } from "@flipside/api/types";
import { deleteDeviceView, listDeviceViews, saveDeviceView } from "../api/devices.ts";
import { asProblem } from "../api/problem.ts";
import type { DevicesAsked } from "../live/device-listing.ts";
import { useUser } from "../session.tsx";
import { ActButton } from "./act.tsx";
import { CheckField } from "./check-field.tsx";
import { ConfirmDialog, FormDialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { Icon } from "./icon.tsx";
import { Link } from "./link.tsx";
import { Menu } from "./menu.tsx";
import { ProblemNotice } from "./problem-notice.tsx";
import { Term } from "./term.tsx";

export function pathOfView({ filter, query, sort, columns }: DeviceView): string {
  const params = new URLSearchParams();
  if (query !== "") params.set("query", query);
  if (filter !== "") params.set("filter", filter);
  if (sort !== "id") params.set("sort", sort);
  if (columns !== null) params.set("columns", columns.join(","));
  return params.size === 0 ? "/devices" : `/devices?${params}`;
}

interface Props {
  asked: DevicesAsked;
  /** Those that are shown. */
  columns: readonly string[];
}

export function DeviceGroups({ asked, columns }: Props): ReactNode {
  const { userName } = useUser();
  const [views, setViews] = useState<readonly DeviceView[]>([]);
  const [problem, setProblem] = useState<ProblemError>();
  const [isSaving, setSaving] = useState(false);
  const [leaving, setLeaving] = useState<DeviceView>();
  const load = useCallback(async () => {
    try {
      setViews(await listDeviceViews());
      setProblem(undefined);
    } catch (thrown) {
      setProblem(asProblem(thrown));
    }
  }, []);
  useEffect(() => void load(), [load]);
  const isShown = ({ filter, query, sort }: DeviceView): boolean =>
    filter === asked.filter.trim() && query === asked.query && sort === asked.sort;
  return (
    <>
      {problem && <ProblemNotice problem={problem} lead={t`Could not load the groups`} onRetry={() => void load()} />}
      <nav className="groups" aria-label={t`Groups`}>
        <Term of="group">
          <Trans>Groups</Trans>
        </Term>
        <ul className="chips" role="list">
          {views.map((view) => (
            <li key={view.id}>
              <Link className="chip" href={pathOfView(view)} {...(isShown(view) ? { "aria-current": "true" } : {})}>
                <bdi>{view.name}</bdi>
                {view.owner !== userName && <span className="muted">{t`by ${{ owner: view.owner }}`}</span>}
              </Link>
            </li>
          ))}
        </ul>
        <ActButton needs="devices:write" className="button small" onClick={() => setSaving(true)}>
          <Icon name="plus" /> <Trans>Keep this list</Trans>
        </ActButton>
        {views.length > 0 && <Forget views={views} onForget={setLeaving} />}
      </nav>
      {isSaving && <SaveDialog {...{ asked, columns }} onDone={load} onClose={() => setSaving(false)} />}
      {leaving && (
        <ConfirmDialog
          title={t`Forget ${{ group: leaving.name }}?`}
          confirm={t`Forget the group`}
          action={async () => {
            await deleteDeviceView(leaving.id);
            await load();
          }}
          onClose={() => setLeaving(undefined)}
        >
          <p>
            {leaving.shared
              ? t`It is gone for everybody. The devices stay as they are.`
              : t`The devices stay as they are.`}
          </p>
        </ConfirmDialog>
      )}
    </>
  );
}

const Forget = ({
  views,
  onForget,
}: {
  views: readonly DeviceView[];
  onForget: (view: DeviceView) => void;
}): ReactNode => (
  <Menu label={t`Forget…`} className="button small quiet">
    {(close) =>
      views.map((view) => (
        <ActButton
          key={view.id}
          needs="devices:write"
          className="menu-item"
          onClick={() => {
            close();
            onForget(view);
          }}
        >
          <bdi>{view.name}</bdi>
        </ActButton>
      ))
    }
  </Menu>
);

function SaveDialog({
  asked,
  columns,
  onDone,
  onClose,
}: Props & { onDone: () => Promise<void>; onClose: () => void }): ReactNode {
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const error = name.trim() === "" ? t`Give it a name.` : undefined;
  return (
    <FormDialog
      title={t`Keep this list as a group`}
      confirm={t`Keep`}
      lead={t`It was not kept`}
      isWrong={error !== undefined}
      action={async () => {
        const filter = asked.filter.trim();
        await saveDeviceView({ name: name.trim(), shared, ...asked, filter, columns: [...columns] });
        await onDone();
      }}
      onClose={onClose}
      about={
        <p>
          <Trans>
            Kept are filter, words, order and columns; who is in the group is found anew each time. One of yours with
            the same name is replaced.
          </Trans>
        </p>
      }
      fields={(tried) => (
        <>
          <Field label={t`Name`} error={tried ? error : undefined}>
            {(ids) => (
              <input
                {...ids}
                autoComplete="off"
                maxLength={viewNameCharactersMax}
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </Field>
          <CheckField checked={shared} change={setShared}>
            <Trans>Share it with everybody who sees these devices</Trans>
          </CheckField>
        </>
      )}
    />
  );
}
