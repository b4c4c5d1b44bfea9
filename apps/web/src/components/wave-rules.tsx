// The rules that a rollout's waves go by, in words.

import { plural, t } from "@lingui/core/macro";
import { Plural, Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import type { Rollout, WaveRules } from "@flipside/api/types";
import type { weekdays } from "../typed-maintenance.ts";
import { joined, listed } from "../words/listed.ts";
import { count, duration, moment } from "../words/quantities.ts";
import { retriedWords } from "../words/retried-words.ts";
import { thresholdWords } from "../words/state-words.ts";
import { type Column, DataTable } from "./data-table.tsx";
import { Disclosure } from "./disclosure.tsx";

type Settings = Rollout["settings"];
type Maintenance = NonNullable<Settings["maintenance"]>;
type Row = WaveRules & { index: number; filter: string | null };

const dayWords: Record<(typeof weekdays)[number], string> = {
  mon: t`mon`,
  tue: t`tue`,
  wed: t`wed`,
  thu: t`thu`,
  fri: t`fri`,
  sat: t`sat`,
  sun: t`sun`,
};

function starts({ startAt, approval }: Row): string {
  const start = startAt === null ? "" : moment(startAt);
  const parts = [
    ...(startAt === null ? [] : [t`not before ${start}`]),
    ...(approval ? [t`when somebody else approves`] : []),
  ];
  return joined(parts) || t`when it is its turn`;
}

function pace({ rate, underWayMax }: Row): string {
  const offers = count(rate?.perHour ?? 0);
  const devices = count(underWayMax ?? 0);
  const parts = [
    ...(rate === null ? [] : [t`${offers} an hour`]),
    ...(rate !== null && rate.growthFactor > 1 ? [t`growing`] : []),
    ...(underWayMax === null ? [] : [t`${devices} at a time`]),
  ];
  return joined(parts) || t`as devices ask`;
}

function failures({ failureThresholdPercent: percent, minimumSample, thresholdAction }: Row): string {
  const action = thresholdWords[thresholdAction].toLowerCase();
  const devices = plural(minimumSample, { one: "# device", other: "# devices" });
  return t`above ${percent} %, of ${devices} or more: ${action}`;
}

function waveName({ index }: Row): string {
  const number = index + 1;
  return t`Wave ${number}`;
}

const whoIsIn: Column<Row> = {
  head: t`Devices`,
  cell: ({ filter }) => (filter === null ? t`by their order` : <code>{filter}</code>),
};

const columnsOf = (waveFilters: readonly (string | null)[]): Column<Row>[] => [
  { head: t`Wave`, isName: true, cell: waveName },
  ...(waveFilters.some((filter) => filter !== null) ? [whoIsIn] : []),
  { head: t`Starts`, cell: starts },
  { head: t`Offers`, cell: pace },
  { head: t`Failures`, cell: failures },
  { head: t`Watched`, cell: ({ soakMs }) => (soakMs === 0 ? t`no` : duration(soakMs)) },
  { head: t`Each device`, cell: ({ deadlineMs }) => duration(deadlineMs) },
];

function Windows({ maintenance: { timeZone, windows } }: { maintenance: Maintenance }): ReactNode {
  const times = windows
    .map(({ days, from, to }) => `${listed(days.map((day) => dayWords[day]))} ${from}–${to}`)
    .reduce((before, next) => t`${before}; ${next}`);
  return (
    <p>
      <Trans>
        Offers are made in maintenance windows only, in the time of {timeZone}: {times}.
      </Trans>
    </p>
  );
}

function Retry({ retry: { after, codes, retriesMax, delayMs } }: { retry: Settings["retries"][number] }): ReactNode {
  const end = retriedWords[after];
  const those = (codes ?? []).join(", ");
  const what = codes ? t`${end} (${those})` : end;
  const delay = duration(delayMs);
  return (
    <p>
      <Trans>
        Tried again after {what}, <Plural value={retriesMax} one="# time" other="# times" />, first after {delay}.
      </Trans>
    </p>
  );
}

/** Each wave's, for who wants to see them side by side. */
export function WaveRulesTable({ settings }: Pick<Rollout, "settings">): ReactNode {
  const { rules, waveFilters, maintenance, retries } = settings;
  return (
    <Disclosure label={t`Rules`} held={false}>
      <DataTable
        caption={t`Rules of each wave`}
        columns={columnsOf(waveFilters)}
        rows={rules.map((rule, index) => ({ ...rule, index, filter: waveFilters[index] ?? null }))}
        rowKey={({ index }) => String(index)}
      />
      {maintenance !== null && <Windows maintenance={maintenance} />}
      {retries.map((retry, i) => (
        <Retry key={i} retry={retry} />
      ))}
    </Disclosure>
  );
}
