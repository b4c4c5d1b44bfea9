import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import type { Release } from "@flipside/api/types";
import { archiveRelease, deleteRelease, unarchiveRelease } from "../api/releases.ts";
import { ArchivingButtons } from "./archiving.tsx";

interface Props {
  release: Release;
  isSmall?: boolean;
}

/** What it changes is told by events, as to everybody. */
export const ReleaseArchiving = ({
  release: { id, product, version, archivedAt },
  isSmall = false,
}: Props): ReactNode => (
  <ArchivingButtons
    what="release"
    needs="releases:write"
    name={`${product} ${version}`}
    isArchived={archivedAt !== null}
    isSmall={isSmall}
    archiving={t`It is out of lists and can’t be rolled out. Rollouts that use it go on.`}
    deleting={t`Its images go, with their files and permits. It is refused as long as a device has it in a slot, or a rollout may still use it. Archived rollouts go on telling of it.`}
    onArchive={async () => void (await archiveRelease(id))}
    onUnarchive={async () => void (await unarchiveRelease(id))}
    onDelete={() => deleteRelease(id)}
  />
);
