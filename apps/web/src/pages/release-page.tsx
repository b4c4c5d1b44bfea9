// One release: what it is, where it runs, who could take it, and what can be done with it.

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
import { bytes, count, duration, plural } from "../words/quantities.ts";
import { archived, lostFile, revokedRelease, rolloutWords, wordsOf } from "../words/state-words.ts";

export function ReleasePage({ id }: { id: string }): ReactNode {
  const fleet = useFleet();
  const release = useResource(fleet.allReleases).value?.get(id);
  return (
    <Page
      title={release === undefined ? "Release" : `${release.product} ${release.version}`}
      back={{ href: "/releases", label: "Releases" }}
      beside={
        <>
          {release?.revoked && <StateBadge words={revokedRelease} />}
          {release && release.archivedAt !== null && <StateBadge words={archived} />}
        </>
      }
      summary={
        release && (
          <>
            Release sequence {release.releaseSequence}, uploaded <TimeAgo at={release.uploadedAt} /> by{" "}
            <bdi>{release.uploadedBy}</bdi>
          </>
        )
      }
      remark={release?.description && <bdi className="muted">{release.description}</bdi>}
      actions={release && <Actions release={release} />}
    >
      <Loaded resource={fleet.allReleases} what="the list of releases">
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

const NoSuchRelease = (): ReactNode => (
  <div className="empty">
    <h2>There is no such release</h2>
    <p>
      It may have been deleted, or the address be mistyped. <Link href="/releases?archived=yes">All releases</Link>
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
          Roll out
        </ActLink>
      )}
      <ActButton needs="releases:write" className="button" onClick={() => setAsksForPermit(true)}>
        Add permit
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
      <h2 id="takes-heading">Who could take it</h2>
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
      <h2 id="images-heading">Images</h2>
      <Loaded resource={detail} what="its images">
        {({ images }) => (
          <DataTable caption="Images of this release" rows={images} rowKey={({ digest }) => digest} columns={columns} />
        )}
      </Loaded>
    </section>
  );
}

const columns: Column<ReleaseDetail["images"][number]>[] = [
  {
    head: "Hardware",
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
    head: "Size by part",
    cell: ({ hardware, sizeBytes, chunkCount, parts }) => (
      <>
        {bytes(sizeBytes)}
        <SizeParts
          label={`Size of the image for ${hardware} by part`}
          parts={[
            { name: "payload", sizeBytes: parts.payloadBytes },
            { name: `hashes of its ${plural(chunkCount, "chunk")}`, sizeBytes: parts.tableBytes },
            { name: "signatures", sizeBytes: parts.signatureBytes },
            { name: "header", sizeBytes: parts.headerBytes },
          ]}
        />
      </>
    ),
  },
  {
    head: "Needs",
    cell: ({ securityCounter, loaderVersionMin, trustVersionMin }) => (
      <>
        <span className="sub">security counter {securityCounter}</span>
        <span className="sub">boot loader {loaderVersionMin}</span>
        <span className="sub">trust record {trustVersionMin}</span>
      </>
    ),
  },
  {
    head: "Trial",
    cell: ({ tries, confirmDeadlineMs, contactDeadlineMs }) => (
      <>
        <span className="sub">{plural(tries, "try", "tries")}</span>
        <span className="sub">{duration(confirmDeadlineMs)} to prove itself</span>
        <span className="sub">{duration(contactDeadlineMs)} to reach the server</span>
      </>
    ),
  },
  {
    head: "Signed by",
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
      <h2 id="rollouts-heading">Its rollouts</h2>
      <Loaded resource={fleet.allRollouts} what="its rollouts">
        {(rollouts) => {
          const ofIt = [...rollouts.values()].filter(({ releaseId }) => releaseId === id);
          if (ofIt.length === 0) return <p className="muted">None that you see has brought it to a device.</p>;
          return (
            <DataTable
              caption="Rollouts of this release, newest first"
              rows={ofIt.sort((one, two) => two.createdAt.localeCompare(one.createdAt))}
              rowKey={(rollout) => rollout.id}
              columns={[
                {
                  head: "Rollout",
                  isName: true,
                  cell: (rollout) => (
                    <Link className="row-link" href={rolloutPath(rollout.id)}>
                      <bdi>{rollout.name}</bdi>
                    </Link>
                  ),
                },
                { head: "State", cell: ({ state }) => <StateBadge words={wordsOf(rolloutWords, state)} /> },
                {
                  head: "Confirmed",
                  cell: ({ counts, total }) => `${count(counts.confirmed)} of ${count(total)}`,
                },
                { head: "Created", cell: ({ createdAt }) => <TimeAgo at={createdAt} /> },
              ]}
            />
          );
        }}
      </Loaded>
    </section>
  );
}
