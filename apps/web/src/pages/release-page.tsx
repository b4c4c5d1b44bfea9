// One release: what it is, where it runs, who could take it, and what can be done with it.

import { Term } from "../components/term.tsx";
import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useState } from "react";
import type { Release, ReleaseDetail } from "@flipside/api/types";
import { getRelease } from "../api/release-details.ts";
import { ActButton, ActLink } from "../components/act.tsx";
import { CouldTake } from "../components/could-take.tsx";
import { type Column, DataTable } from "../components/data-table.tsx";
import { Digest } from "../components/digest.tsx";
import { FailureClusters } from "../components/failure-clusters.tsx";
import { Link } from "../components/link.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Page } from "../components/page.tsx";
import { PermitDialog } from "../components/permit-dialog.tsx";
import { ReleaseArchiving } from "../components/release-archiving.tsx";
import { ReleaseDifferences } from "../components/release-difference.tsx";
import { revisionWords } from "../components/release-images.tsx";
import { SizeParts } from "../components/size-parts.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { TimeAgo } from "../components/time-ago.tsx";
import { WhereItRuns } from "../components/where-it-runs.tsx";
import { WithdrawRelease } from "../components/withdraw-release.tsx";
import { useFleet, useResource } from "../live/hooks.ts";
import { newRolloutPath, rolloutPath } from "../router.ts";
import { bytes, count, duration } from "../words/quantities.ts";
import { archived, lostFile, revokedRelease, rolloutWords, wordsOf } from "../words/state-words.ts";

export function ReleasePage({ id }: { id: string }): ReactNode {
  const fleet = useFleet();
  const release = useResource(fleet.allReleases).value?.get(id);
  return (
    <Page
      title={release === undefined ? t`Release` : `${release.product} ${release.version}`}
      back={{ href: "/releases", label: t`Releases` }}
      beside={
        <>
          {release?.revoked && <StateBadge words={revokedRelease} />}
          {release && release.archivedAt !== null && <StateBadge words={archived} />}
        </>
      }
      summary={release && <Uploaded release={release} />}
      remark={release?.description && <bdi className="muted">{release.description}</bdi>}
      actions={release && <Actions release={release} />}
    >
      <Loaded resource={fleet.allReleases} what={t`the list of releases`}>
        {(releases) => {
          const found = releases.get(id);
          if (found === undefined) return <NoSuchRelease />;
          const others = [...releases.values()].filter((each) => each.product === found.product && each !== found);
          return <Details release={found} others={others} />;
        }}
      </Loaded>
    </Page>
  );
}

const Uploaded = ({ release: { releaseSequence, uploadedAt, uploadedBy } }: Shown): ReactNode => (
  <Trans>
    <Term of="release sequence">Release sequence</Term> {releaseSequence}, uploaded <TimeAgo at={uploadedAt} /> by{" "}
    <bdi>{uploadedBy}</bdi>
  </Trans>
);

const NoSuchRelease = (): ReactNode => (
  <div className="empty">
    <h2>
      <Trans>There is no such release</Trans>
    </h2>
    <p>
      <Trans>
        It may have been deleted, or the address be mistyped. <Link href="/releases?archived=yes">All releases</Link>
      </Trans>
    </p>
  </div>
);

interface Shown {
  release: Release;
}

function Actions({ release }: Shown): ReactNode {
  const [asksForPermit, setAsksForPermit] = useState(false);
  return (
    <>
      {asksForPermit && <PermitDialog release={release} onClose={() => setAsksForPermit(false)} />}
      {release.archivedAt === null && (
        <ActLink needs="rollouts:write" className="button primary" href={newRolloutPath(release.id)}>
          <Trans>Roll out</Trans>
        </ActLink>
      )}
      <ActButton needs="releases:write" className="button" onClick={() => setAsksForPermit(true)}>
        <Trans>Add permit</Trans>
      </ActButton>
      <WithdrawRelease release={release} />
      <ReleaseArchiving release={release} />
    </>
  );
}

const Details = ({ release, others }: Shown & { others: Release[] }): ReactNode => (
  <>
    <Images release={release} />
    <WhereItRuns release={release} />
    <FailureClusters of="releases" id={release.id} />
    <section className="panel" aria-labelledby="takes-heading">
      <h2 id="takes-heading">
        <Trans>Who could take it</Trans>
      </h2>
      <CouldTake release={release} />
    </section>
    <RolloutsOfIt release={release} />
    <ReleaseDifferences release={release} others={others} />
  </>
);

function Images({ release: { id } }: Shown): ReactNode {
  const fleet = useFleet();
  const detail = fleet.asked<ReleaseDetail>(`release ${id}`, {
    load: () => getRelease(id),
    apply: (value) => value,
    wantsReload: (_value, event) => event.kind === "release" && event.data.id === id,
  });
  return (
    <section className="panel" aria-labelledby="images-heading">
      <h2 id="images-heading">
        <Trans>Images</Trans>
      </h2>
      <Loaded resource={detail} what={t`its images`}>
        {({ images }) => (
          <DataTable
            caption={t`Images of this release`}
            rows={images}
            rowKey={({ digest }) => digest}
            columns={columns}
          />
        )}
      </Loaded>
    </section>
  );
}

const columns: Column<ReleaseDetail["images"][number]>[] = [
  {
    head: t`Hardware`,
    isName: true,
    cell: (image) => (
      <>
        <bdi className="row-name">{image.hardware}</bdi>
        <span className="sub">{revisionWords(image)}</span>
        <Digest value={image.digest} /> {image.file !== "present" && <StateBadge words={lostFile[image.file]} />}
      </>
    ),
  },
  {
    head: t`Size by part`,
    cell: ({ hardware, sizeBytes, chunkCount, parts }) => (
      <>
        {bytes(sizeBytes)}
        <SizeParts
          label={t`Size of the image for ${hardware} by part`}
          parts={[
            { name: t`payload`, sizeBytes: parts.payloadBytes },
            {
              name: t`hashes of its ${plural(chunkCount, { one: "# chunk", other: "# chunks" })}`,
              sizeBytes: parts.tableBytes,
            },
            { name: t`signatures`, sizeBytes: parts.signatureBytes },
            { name: t`header`, sizeBytes: parts.headerBytes },
          ]}
        />
      </>
    ),
  },
  {
    head: t`Needs`,
    cell: ({ securityCounter, loaderVersionMin, trustVersionMin }) => (
      <>
        <span className="sub">
          <Trans>security counter {securityCounter}</Trans>
        </span>
        <span className="sub">
          <Trans>boot loader {loaderVersionMin}</Trans>
        </span>
        <span className="sub">
          <Trans>trust record {trustVersionMin}</Trans>
        </span>
      </>
    ),
  },
  {
    head: t`Trial`,
    cell: ({ tries, confirmDeadlineMs, contactDeadlineMs }) => (
      <>
        <span className="sub">{plural(tries, { one: "# try", other: "# tries" })}</span>
        <span className="sub">
          <Trans>{{ time: duration(confirmDeadlineMs) }} to prove itself</Trans>
        </span>
        <span className="sub">
          <Trans>{{ time: duration(contactDeadlineMs) }} to reach the server</Trans>
        </span>
      </>
    ),
  },
  {
    head: t`Signed by`,
    cell: ({ signedBy }) =>
      signedBy.map((id) => (
        <code key={id} className="sub">
          {id}
        </code>
      )),
  },
];

function RolloutsOfIt({ release: { id } }: Shown): ReactNode {
  const fleet = useFleet();
  return (
    <section className="panel" aria-labelledby="rollouts-heading">
      <h2 id="rollouts-heading">
        <Trans>Its rollouts</Trans>
      </h2>
      <Loaded resource={fleet.allRollouts} what={t`its rollouts`}>
        {(rollouts) => {
          const ofIt = [...rollouts.values()].filter(({ releaseId }) => releaseId === id);
          if (ofIt.length === 0)
            return (
              <p className="muted">
                <Trans>None that you see has brought it to a device.</Trans>
              </p>
            );
          return (
            <DataTable
              caption={t`Rollouts of this release, newest first`}
              rows={ofIt.sort((one, two) => two.createdAt.localeCompare(one.createdAt))}
              rowKey={(rollout) => rollout.id}
              columns={[
                {
                  head: t`Rollout`,
                  isName: true,
                  cell: (rollout) => (
                    <Link className="row-link" href={rolloutPath(rollout.id)}>
                      <bdi>{rollout.name}</bdi>
                    </Link>
                  ),
                },
                { head: t`State`, cell: ({ state }) => <StateBadge words={wordsOf(rolloutWords, state)} /> },
                {
                  head: t`Confirmed`,
                  cell: ({ counts, total }) =>
                    t`${{ confirmed: count(counts.confirmed) }} of ${{ total: count(total) }}`,
                },
                { head: t`Created`, cell: ({ createdAt }) => <TimeAgo at={createdAt} /> },
              ]}
            />
          );
        }}
      </Loaded>
    </section>
  );
}
