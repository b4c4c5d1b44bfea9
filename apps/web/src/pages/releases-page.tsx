import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useState } from "react";
import type { Release } from "@flipside/api/types";
import { ActButton, ActLink } from "../components/act.tsx";
import { ShowArchived, useShowsArchived } from "../components/archiving.tsx";
import { DataTable } from "../components/data-table.tsx";
import { Link } from "../components/link.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Page } from "../components/page.tsx";
import { PermitDialog } from "../components/permit-dialog.tsx";
import { ReleaseArchiving } from "../components/release-archiving.tsx";
import { ImageList } from "../components/release-images.tsx";
import { ReleaseUpload } from "../components/release-upload.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { TimeAgo } from "../components/time-ago.tsx";
import { useFleet } from "../live/hooks.ts";
import { newRolloutPath, releasePath } from "../router.ts";
import { archived, revokedRelease } from "../words/state-words.ts";

export function ReleasesPage(): ReactNode {
  const fleet = useFleet();
  const [showsArchived, setShowsArchived] = useShowsArchived();
  return (
    <Page
      title={t`Releases`}
      summary={t`Signed images that may be rolled out. A file is checked in this browser before it is sent, and by the server once more; neither can make an image.`}
    >
      <ReleaseUpload onAccepted={() => void fleet.releases.reload()} />
      <div className="toolbar">
        <ShowArchived checked={showsArchived} onChange={setShowsArchived} />
      </div>
      <Loaded resource={showsArchived ? fleet.allReleases : fleet.releases} what={t`the list of releases`}>
        {(releases) => <ReleaseList releases={[...releases.values()]} />}
      </Loaded>
    </Page>
  );
}

function ReleaseList({ releases }: { releases: Release[] }): ReactNode {
  const [permitFor, setPermitFor] = useState<Release>();
  if (releases.length === 0) {
    return (
      <div className="empty">
        <h2>
          <Trans>No releases yet</Trans>
        </h2>
        <p>
          <Trans>
            Build and sign one, then upload its file above. Nothing reaches a device before you create a rollout.
          </Trans>
        </p>
      </div>
    );
  }
  const newestFirst = [...releases].sort((one, two) => two.uploadedAt.localeCompare(one.uploadedAt));
  return (
    <>
      {permitFor && <PermitDialog release={permitFor} onClose={() => setPermitFor(undefined)} />}
      <DataTable
        caption={t`Releases, newest first`}
        rows={newestFirst}
        rowKey={(release) => release.id}
        columns={[
          {
            head: t`Release`,
            isName: true,
            cell: (release) => (
              <>
                <Link className="row-link" href={releasePath(release.id)}>
                  <bdi>{release.product}</bdi> <bdi>{release.version}</bdi>
                </Link>
                <span className="sub">
                  <Trans>sequence {{ sequence: release.releaseSequence }}</Trans>
                </span>
                {release.revoked && (
                  <span className="sub">
                    <StateBadge words={revokedRelease} />
                  </span>
                )}
                {release.archivedAt !== null && (
                  <span className="sub">
                    <StateBadge words={archived} />
                  </span>
                )}
                {release.description && <bdi className="sub">{release.description}</bdi>}
              </>
            ),
          },
          { head: t`Images`, className: "col-images", cell: (release) => <ImageList images={release.images} /> },
          {
            head: t`Uploaded`,
            cell: ({ uploadedAt, uploadedBy }) => (
              <>
                <TimeAgo at={uploadedAt} />
                <span className="sub">
                  <Trans>
                    by <bdi>{uploadedBy}</bdi>
                  </Trans>
                </span>
              </>
            ),
          },
          {
            head: t`Action`,
            bareOnCard: true,
            cell: (release) => (
              <div className="actions">
                {release.archivedAt === null && (
                  <ActLink
                    needs="rollouts:write"
                    className="button small"
                    href={newRolloutPath(release.id)}
                    label={t`Roll out ${{ release: `${release.product} ${release.version}` }}`}
                  >
                    <Trans>Roll out</Trans>
                  </ActLink>
                )}
                <ActButton
                  needs="releases:write"
                  className="button small"
                  onClick={() => setPermitFor(release)}
                  aria-label={t`Add permit for ${{ release: `${release.product} ${release.version}` }}`}
                >
                  <Trans>Add permit</Trans>
                </ActButton>
                <ReleaseArchiving release={release} isSmall />
              </div>
            ),
          },
        ]}
      />
    </>
  );
}
