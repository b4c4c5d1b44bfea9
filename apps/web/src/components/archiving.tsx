// Putting away what is over, and deleting what was put away: the same buttons and questions for all of it.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useState } from "react";
import type { Permission } from "@flipside/api/permissions";
import { useParam } from "../router.ts";
import { ActButton } from "./act.tsx";
import { ConfirmDialog, FormDialog } from "./dialog.tsx";
import { Icon } from "./icon.tsx";
import { useTypedName } from "./typed-name.tsx";

/** As the address says. */
export function useShowsArchived(): [shows: boolean, change: (shows: boolean) => void] {
  const [value, change] = useParam("archived");
  return [value === "yes", (shows) => change(shows ? "yes" : "")];
}

/** Beside a list: whether it has what is archived, too. */
export const ShowArchived = ({
  checked,
  onChange,
}: {
  checked: boolean;
  onChange: (checked: boolean) => void;
}): ReactNode => (
  <label className="choice">
    <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} />{" "}
    <Trans>Show archived</Trans>
  </label>
);

const deleteWords = {
  device: t`Delete device`,
  release: t`Delete release`,
  rollout: t`Delete rollout`,
} as const;
const archiveWords = { release: t`Archive release`, rollout: t`Archive rollout` } as const;
const unarchiveWords = { release: t`Unarchive release`, rollout: t`Unarchive rollout` } as const;

interface DeleteProps {
  what: keyof typeof deleteWords;
  /** What has to be typed. */
  name: string;
  /** What goes with it, and what stays. */
  children: ReactNode;
  action: () => Promise<void>;
  onClose: () => void;
}

/** Asks for the name before it deletes: nothing brings it back. */
export function DeleteDialog({ what, name, children, action, onClose }: DeleteProps): ReactNode {
  const { isWrong, field } = useTypedName(name);
  return (
    <FormDialog
      title={t`Delete ${name}?`}
      confirm={deleteWords[what]}
      dangerous
      lead={t`Nothing was deleted`}
      isWrong={isWrong}
      action={action}
      onClose={onClose}
      about={
        <>
          {children}
          <p>
            <Trans>Nothing but a backup brings it back.</Trans>
          </p>
        </>
      }
      fields={field}
    />
  );
}

interface ArchivingProps {
  what: keyof typeof archiveWords;
  needs: Permission;
  name: string;
  isArchived: boolean;
  /** What it means that it is archived. */
  archiving: ReactNode;
  /** What goes with it when it is deleted. */
  deleting: ReactNode;
  isSmall?: boolean;
  onArchive: () => Promise<void>;
  onUnarchive: () => Promise<void>;
  onDelete: () => Promise<void>;
}

/** What may be done to something that is over: archive it; or take it out of the archive, or delete it. */
export function ArchivingButtons(props: ArchivingProps): ReactNode {
  const { what, name, isArchived, isSmall = false } = props;
  const [asking, setAsking] = useState<"archive" | "unarchive" | "delete">();
  const close = (): void => setAsking(undefined);
  const size = isSmall ? "small" : "";
  return (
    <>
      {isArchived ? (
        <>
          <ActButton
            needs={props.needs}
            className={`button ${size}`}
            aria-label={t`Unarchive ${name}`}
            onClick={() => setAsking("unarchive")}
          >
            <Icon name="back" /> <Trans>Unarchive</Trans>
          </ActButton>
          <ActButton
            needs={props.needs}
            className={`button ${size} danger-outline`}
            aria-label={t`Delete ${name}`}
            onClick={() => setAsking("delete")}
          >
            <Icon name="cross" /> <Trans>Delete…</Trans>
          </ActButton>
        </>
      ) : (
        <ActButton
          needs={props.needs}
          className={`button ${size}`}
          aria-label={t`Archive ${name}`}
          onClick={() => setAsking("archive")}
        >
          <Icon name="box" /> <Trans>Archive</Trans>
        </ActButton>
      )}
      {asking === "archive" && (
        <ConfirmDialog
          title={t`Archive ${name}?`}
          confirm={archiveWords[what]}
          action={props.onArchive}
          onClose={close}
        >
          <p>{props.archiving}</p>
          <p>
            <Trans>It can be taken out of the archive at any time.</Trans>
          </p>
        </ConfirmDialog>
      )}
      {asking === "unarchive" && (
        <ConfirmDialog
          title={t`Take ${name} out of the archive?`}
          confirm={unarchiveWords[what]}
          action={props.onUnarchive}
          onClose={close}
        >
          <p>
            <Trans>It is in lists again, as it was before it was archived.</Trans>
          </p>
        </ConfirmDialog>
      )}
      {asking === "delete" && (
        <DeleteDialog what={what} name={name} action={props.onDelete} onClose={close}>
          <p>{props.deleting}</p>
        </DeleteDialog>
      )}
    </>
  );
}
