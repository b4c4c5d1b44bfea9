// Where a release runs: how many devices of each hardware have it in the slot that runs, and how it stands there.

import { t } from "@lingui/core/macro";
import { Plural, Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import type { DeviceGroup, Release } from "@flipside/api/types";
import { quoted } from "@flipside/device-filter";
import { countedGroups } from "../api/counted-devices.ts";
import type { SlotStateName } from "../format.ts";
import { useFleet } from "../live/hooks.ts";
import { devicesPath } from "../router.ts";
import { count } from "../words/quantities.ts";
import { slotWords, wordsOf } from "../words/state-words.ts";
import { DataTable } from "./data-table.tsx";
import { Link } from "./link.tsx";
import { Loaded } from "./loaded.tsx";
import { StateBadge } from "./state-badge.tsx";

const runs = (id: string): string => `release = ${quoted(id)}`;

export function WhereItRuns({ release: { id, images } }: { release: Pick<Release, "id" | "images"> }): ReactNode {
  const fleet = useFleet();
  const digests = images.map(({ digest }) => digest);
  const groups = fleet.asked<DeviceGroup[]>(`runs ${id}`, {
    load: () => countedGroups(runs(id), ["hardware", "slotState"]),
    apply: (value) => value,
    wantsReload: (_value, { kind, data }) => kind === "device" && digests.includes(data.running?.digest ?? ""),
  });
  return (
    <section className="panel" aria-labelledby="runs-heading">
      <h2 id="runs-heading">
        <Trans>Where it runs</Trans>
      </h2>
      <Loaded resource={groups} what={t`the devices that run it`}>
        {(counted) => <Runs id={id} groups={counted} />}
      </Loaded>
    </section>
  );
}

function Runs({ id, groups }: { id: string; groups: readonly DeviceGroup[] }): ReactNode {
  const all = groups.reduce((sum, each) => sum + each.count, 0);
  if (all === 0)
    return (
      <p className="muted">
        <Trans>No device that you see runs it. It reaches devices by a rollout, or by what they were made with.</Trans>
      </p>
    );
  return (
    <>
      <p>
        <Trans>
          <Link href={devicesPath(runs(id))}>
            <Plural value={all} one="# device" other="# devices" />
          </Link>{" "}
          <Plural value={all} one="runs it" other="run it" />, as their last check-ins say.
        </Trans>
      </p>
      <DataTable
        caption={t`Devices that run it`}
        rows={[...groups]}
        rowKey={({ values }) => values.join(" ")}
        columns={[
          { head: t`Hardware`, isName: true, cell: ({ values: [hardware] }) => <bdi>{hardware ?? t`not known`}</bdi> },
          {
            head: t`State of the image`,
            cell: ({ values: [, state] }) => (
              <StateBadge words={wordsOf(slotWords, (state ?? "empty") as SlotStateName)} />
            ),
          },
          {
            head: t`Devices`,
            cell: ({ values: [hardware, state], count: devices }) => (
              <Link
                href={devicesPath(
                  `${runs(id)} and hardware = ${quoted(String(hardware))} and slotState = ${String(state)}`,
                )}
              >
                {count(devices)}
              </Link>
            ),
          },
        ]}
      />
    </>
  );
}
