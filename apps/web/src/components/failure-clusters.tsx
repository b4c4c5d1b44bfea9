// Failed updates, those of one code, hardware and previous version together: the largest group first.

import { plural, t } from "@lingui/core/macro";
import { Plural, Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { retriedStates } from "@flipside/api/rollout-transitions";
import type { FailureCluster, LiveEvent } from "@flipside/api/types";
import { listFailures } from "../api/failures.ts";
import { useFleet } from "../live/hooks.ts";
import { devicePath } from "../router.ts";
import { errorWords } from "../words/error-words.ts";
import { count } from "../words/quantities.ts";
import { deploymentWords, wordsOf } from "../words/state-words.ts";
import { type Column, DataTable } from "./data-table.tsx";
import { Link } from "./link.tsx";
import { Loaded } from "./loaded.tsx";
import { StateBadge } from "./state-badge.tsx";
import { TimeAgo } from "./time-ago.tsx";

interface Props {
  of: "rollouts" | "releases";
  id: string;
}

const allOf = (clusters: readonly FailureCluster[]): number => clusters.reduce((sum, each) => sum + each.count, 0);

/** A rollout tells how many of its devices failed; when that differs, there is something to read. */
function mayDiffer({ of, id }: Props, clusters: readonly FailureCluster[], event: LiveEvent): boolean {
  if (event.kind !== "rollout") return false;
  const { data } = event;
  if (of === "releases") return data.releaseId === id && data.finishedAt !== null;
  return data.id === id && retriedStates.reduce((sum, state) => sum + data.counts[state], 0) !== allOf(clusters);
}

export function FailureClusters({ of, id }: Props): ReactNode {
  const fleet = useFleet();
  const failures = fleet.asked<FailureCluster[]>(`failures ${of} ${id}`, {
    load: () => listFailures(of, id),
    apply: (value) => value,
    wantsReload: (clusters, event) => mayDiffer({ of, id }, clusters, event),
  });
  return (
    <section className="panel" aria-labelledby="failures-heading">
      <h2 id="failures-heading">
        <Trans>Failures</Trans>
      </h2>
      <Loaded resource={failures} what={t`what failed`}>
        {(clusters) => <Clusters clusters={clusters} />}
      </Loaded>
    </section>
  );
}

function Clusters({ clusters }: { clusters: readonly FailureCluster[] }): ReactNode {
  const [devices, ways] = [allOf(clusters), clusters.length];
  if (ways === 0)
    return (
      <p className="muted">
        <Trans>No device that you see has failed.</Trans>
      </p>
    );
  return (
    <>
      <p>
        <Trans>
          <Plural value={devices} one="# device" other="# devices" /> failed, in{" "}
          <Plural value={ways} one="# way" other="# ways" />. Devices that share a code, a hardware and the version that
          they came from stand together.
        </Trans>
      </p>
      <DataTable
        caption={t`Failed updates, the most frequent kind first`}
        columns={columns}
        rows={[...clusters]}
        rowKey={({ state, code, hardware, previousDigest }) => [state, code, hardware, previousDigest].join(" ")}
      />
    </>
  );
}

const columns: Column<FailureCluster>[] = [
  {
    head: t`What happened`,
    isName: true,
    className: "col-why",
    cell: ({ state, codeName, count: devices }) => {
      const words = codeName === null ? undefined : errorWords(codeName);
      return (
        <>
          <span className="row-name">{plural(devices, { one: "# device", other: "# devices" })}</span>{" "}
          <StateBadge words={wordsOf(deploymentWords, state)} />
          <span className="sub">{words?.means ?? wordsOf(deploymentWords, state).means}</span>
          {words && (
            <span className="sub">
              <strong>
                <Trans>What to do:</Trans>
              </strong>{" "}
              {words.todo}
            </span>
          )}
          {codeName !== null && (
            <span className="sub">
              <Trans>
                Code <code>{codeName}</code>
              </Trans>
            </span>
          )}
        </>
      );
    },
  },
  {
    head: t`Hardware`,
    cell: ({ hardware }) =>
      hardware === null ? (
        <span className="muted">
          <Trans>not known</Trans>
        </span>
      ) : (
        <bdi>{hardware}</bdi>
      ),
  },
  {
    head: t`Came from`,
    cell: ({ previousVersion, previousDigest }) =>
      previousVersion !== null ? (
        <bdi>{previousVersion}</bdi>
      ) : previousDigest !== null ? (
        <code title={previousDigest}>{previousDigest.slice(0, 12)}</code>
      ) : (
        <span className="muted">
          <Trans>not known</Trans>
        </span>
      ),
  },
  {
    head: t`Such as`,
    cell: ({ examples, count: devices }) => (
      <>
        {examples.map((device) => (
          <span key={device} className="sub">
            <Link href={devicePath(device)}>
              <bdi>{device}</bdi>
            </Link>
          </span>
        ))}
        {devices > examples.length && (
          <span className="sub muted">{t`and ${{ more: count(devices - examples.length) }} more`}</span>
        )}
      </>
    ),
  },
  { head: t`Last`, cell: ({ lastAt }) => <TimeAgo at={lastAt} /> },
];
