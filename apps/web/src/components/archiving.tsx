// Putting away what is over, and deleting what was put away: the same buttons and questions for all of it.

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
    <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} /> Show archived
  </label>
);

interface DeleteProps {
  /** Such as "release". */
  what: string;
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
      title={`Delete ${name}?`}
      confirm={`Delete ${what}`}
      dangerous
      lead="Nothing was deleted"
      isWrong={isWrong}
      action={action}
      onClose={onClose}
      about={
        <>
          {children}
          <p>Nothing but a backup brings it back.</p>
        </>
      }
      fields={field}
    />
  );
}

interface ArchivingProps {
  what: string;
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
            aria-label={`Unarchive ${name}`}
            onClick={() => setAsking("unarchive")}
          >
            <Icon name="back" /> Unarchive
          </ActButton>
          <ActButton
            needs={props.needs}
            className={`button ${size} danger-outline`}
            aria-label={`Delete ${name}`}
            onClick={() => setAsking("delete")}
          >
            <Icon name="cross" /> Delete…
          </ActButton>
        </>
      ) : (
        <ActButton
          needs={props.needs}
          className={`button ${size}`}
          aria-label={`Archive ${name}`}
          onClick={() => setAsking("archive")}
        >
          <Icon name="box" /> Archive
        </ActButton>
      )}
      {asking === "archive" && (
        <ConfirmDialog title={`Archive ${name}?`} confirm={`Archive ${what}`} action={props.onArchive} onClose={close}>
          <p>{props.archiving}</p>
          <p>It can be taken out of the archive at any time.</p>
        </ConfirmDialog>
      )}
      {asking === "unarchive" && (
        <ConfirmDialog
          title={`Take ${name} out of the archive?`}
          confirm={`Unarchive ${what}`}
          action={props.onUnarchive}
          onClose={close}
        >
          <p>It is in lists again, as it was before it was archived.</p>
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
