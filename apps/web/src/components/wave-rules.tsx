// The rules that a rollout's waves go by, in words.

import type { ReactNode } from "react";
import type { Rollout, WaveRules } from "@flipside/api/types";
import { count, duration, moment, plural } from "../words/quantities.ts";
import { thresholdWords } from "../words/state-words.ts";
import { type Column, DataTable } from "./data-table.tsx";
import { Disclosure } from "./disclosure.tsx";

type Row = WaveRules & { index: number; filter: string | null };

const starts = ({ startAt, approval }: Row): string =>
  [
    ...(startAt === null ? [] : [`not before ${moment(startAt)}`]),
    ...(approval ? ["when somebody else approves"] : []),
  ].join(", ") || "when it is its turn";

function pace({ rate, underWayMax }: Row): string {
  const parts = [
    ...(rate === null ? [] : [`${count(rate.perHour)} an hour${rate.growthFactor > 1 ? ", growing" : ""}`]),
    ...(underWayMax === null ? [] : [`${count(underWayMax)} at a time`]),
  ];
  return parts.join(", ") || "as devices ask";
}

const columns: Column<Row>[] = [
  { head: "Wave", isName: true, cell: ({ index }) => `Wave ${index + 1}` },
  { head: "Devices", cell: ({ filter }) => (filter === null ? "by their order" : <code>{filter}</code>) },
  { head: "Starts", cell: starts },
  { head: "Offers", cell: pace },
  {
    head: "Failures",
    cell: ({ failureThresholdPercent, minimumSample, thresholdAction }) =>
      `above ${failureThresholdPercent} %, of ${plural(minimumSample, "device")} or more: ${thresholdWords[thresholdAction].toLowerCase()}`,
  },
  { head: "Watched", cell: ({ soakMs }) => (soakMs === 0 ? "no" : duration(soakMs)) },
  { head: "Each device", cell: ({ deadlineMs }) => duration(deadlineMs) },
];

/** Each wave's, for who wants to see them side by side. */
export function WaveRulesTable({ settings }: Pick<Rollout, "settings">): ReactNode {
  const { rules, waveFilters, maintenance, retries } = settings;
  return (
    <Disclosure label="Rules" held={false}>
      <DataTable
        caption="Rules of each wave"
        columns={
          waveFilters.some((filter) => filter !== null) ? columns : columns.filter(({ head }) => head !== "Devices")
        }
        rows={rules.map((rule, index) => ({ ...rule, index, filter: waveFilters[index] ?? null }))}
        rowKey={({ index }) => String(index)}
      />
      {maintenance !== null && (
        <p>
          Offers are made in maintenance windows only, in the time of {maintenance.timeZone}:{" "}
          {maintenance.windows.map(({ days, from, to }) => `${days.join(", ")} ${from}–${to}`).join("; ")}.
        </p>
      )}
      {retries.map(({ after, codes, retriesMax, delayMs }, i) => (
        <p key={i}>
          Tried again after {after}
          {codes && ` (${codes.join(", ")})`}, {plural(retriesMax, "time")}, first after {duration(delayMs)}.
        </p>
      ))}
    </Disclosure>
  );
}
