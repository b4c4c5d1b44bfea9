// Failed updates, those of one code, hardware and previous version together: the largest group first.

import type { ReactNode } from "react";
import { retriedStates } from "@flipside/api/rollout-transitions";
import type { FailureCluster, LiveEvent } from "@flipside/api/types";
import { listFailures } from "../api/failures.ts";
import { useFleet } from "../live/hooks.ts";
import { devicePath } from "../router.ts";
import { errorWords } from "../words/error-words.ts";
import { count, plural } from "../words/quantities.ts";
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
      <h2 id="failures-heading">Failures</h2>
      <Loaded resource={failures} what="what failed">
        {(clusters) => <Clusters clusters={clusters} />}
      </Loaded>
    </section>
  );
}

function Clusters({ clusters }: { clusters: readonly FailureCluster[] }): ReactNode {
  if (clusters.length === 0) return <p className="muted">No device that you see has failed.</p>;
  return (
    <>
      <p>
        {plural(allOf(clusters), "device")} failed, in {plural(clusters.length, "way")}. Devices that share a code, a
        hardware and the version that they came from stand together.
      </p>
      <DataTable
        caption="Failed updates, the most frequent kind first"
        columns={columns}
        rows={[...clusters]}
        rowKey={({ state, code, hardware, previousDigest }) => [state, code, hardware, previousDigest].join(" ")}
      />
    </>
  );
}

const columns: Column<FailureCluster>[] = [
  {
    head: "What happened",
    isName: true,
    className: "col-why",
    cell: ({ state, codeName, count: devices }) => {
      const words = codeName === null ? undefined : errorWords(codeName);
      return (
        <>
          <span className="row-name">{plural(devices, "device")}</span>{" "}
          <StateBadge words={wordsOf(deploymentWords, state)} />
          <span className="sub">{words?.means ?? wordsOf(deploymentWords, state).means}</span>
          {words && (
            <span className="sub">
              <strong>What to do:</strong> {words.todo}
            </span>
          )}
          {codeName !== null && (
            <span className="sub">
              Code <code>{codeName}</code>
            </span>
          )}
        </>
      );
    },
  },
  {
    head: "Hardware",
    cell: ({ hardware }) => (hardware === null ? <span className="muted">not known</span> : <bdi>{hardware}</bdi>),
  },
  {
    head: "Came from",
    cell: ({ previousVersion, previousDigest }) =>
      previousVersion !== null ? (
        <bdi>{previousVersion}</bdi>
      ) : previousDigest !== null ? (
        <code title={previousDigest}>{previousDigest.slice(0, 12)}</code>
      ) : (
        <span className="muted">not known</span>
      ),
  },
  {
    head: "Such as",
    cell: ({ examples, count: devices }) => (
      <>
        {examples.map((device) => (
          <span key={device} className="sub">
            <Link href={devicePath(device)}>
              <bdi>{device}</bdi>
            </Link>
          </span>
        ))}
        {devices > examples.length && <span className="sub muted">and {count(devices - examples.length)} more</span>}
      </>
    ),
  },
  { head: "Last", cell: ({ lastAt }) => <TimeAgo at={lastAt} /> },
];
