import { plural, select, t } from "@lingui/core/macro";
import { fleetSpanNames, type FleetSpan } from "@flipside/api/fleet-spans";
import type { FleetHistory } from "@flipside/api/types";
import type { ReactNode } from "react";
import { type FleetPlot, fleetPlotOf, type Series } from "../fleet-plot.ts";
import { useFleet } from "../live/hooks.ts";
import type { Frame } from "../metric-plot.ts";
import { devicesPath, useParam } from "../router.ts";
import { useUser } from "../session.tsx";
import { useShownZone } from "../shown-zone.ts";
import { useChart } from "../use-chart.ts";
import { useReloading } from "../use-reloading.ts";
import { count, nearMoment } from "../words/quantities.ts";
import { ChartAxes } from "./chart-axes.tsx";
import { Link } from "./link.tsx";
import { Loaded } from "./loaded.tsx";
import { RangeChips } from "./range-chips.tsx";

/** It is counted every quarter of an hour, and no event tells of it. */
const reloadEveryMs = 5 * 60_000;
const size = { heightPx: 190, marginPx: { left: 56, right: 12, top: 10, bottom: 24 }, widthPerTickPx: 80 };
/** So many counts, now among them. */
const drawnFrom = 3;

type Counted = FleetHistory["counts"][number];

const nameOf = ({ version }: Pick<Series, "version">): string =>
  version === undefined ? t`others` : (version ?? t`not known yet`);

function versionText(version: string | null | undefined, running: number): string {
  const [name, devices] = [nameOf({ version }), count(running)];
  return t`${name} ${devices}`;
}

const versionsText = ({ versions, otherVersions }: Counted): string =>
  [
    ...versions.map(({ version, count: running }) => versionText(version, running)),
    ...(otherVersions === 0 ? [] : [versionText(undefined, otherVersions)]),
  ].join(t`, `);

function countedText(counted: Counted): string {
  const { total } = counted;
  const [time, online, versions] = [nearMoment(counted.at), count(counted.online), versionsText(counted)];
  return t`${time}: ${plural(total, { one: "# device", other: "# devices" })}, ${online} online; ${versions}`;
}

function summaryOf(counts: readonly Counted[], span: FleetSpan): string {
  const [first, last] = [countedText(counts[0]!), countedText(counts.at(-1)!)];
  return t`The fleet ${select(span, {
    day: "in the last day",
    week: "in the last week",
    other: "in the last quarter",
  })}. At first, ${first}. Now, ${last}.`;
}

function Drawing({ plot, frame }: { plot: FleetPlot; frame: Frame }): ReactNode {
  return (
    <>
      {plot.series.map(({ version, area }, at) => (
        <path key={String(version)} className={`series-${version === undefined ? "rest" : at + 1}`} d={area} />
      ))}
      <ChartAxes {...plot} frame={frame} />
      <path className="online-ground" d={plot.online} />
      <path className="online-line" d={plot.online} />
    </>
  );
}

function onlineText(last: Counted | undefined): string {
  if (last === undefined) return t`online`;
  const [online, total] = [count(last.online), count(last.total)];
  return t`online (${online} of ${total})`;
}

const Legend = ({ series, last }: { series: readonly Series[]; last: Counted | undefined }): ReactNode => (
  <ul className="chart-legend" role="list">
    {series.map(({ version }, at) => (
      <li key={String(version)}>
        <span className={`swatch series-${version === undefined ? "rest" : at + 1}`} aria-hidden="true" />
        {typeof version === "string" ? (
          <Link href={devicesPath(`version = "${version}" and not revoked`)}>
            <bdi>{version}</bdi>
          </Link>
        ) : (
          nameOf({ version })
        )}
      </li>
    ))}
    <li>
      <span className="swatch online-swatch" aria-hidden="true" />
      {onlineText(last)}
    </li>
  </ul>
);

function Chart({ history, span }: { history: FleetHistory; span: FleetSpan }): ReactNode {
  const { measured, frame, ticksMax, pointed, svg } = useChart(size);
  const plot = fleetPlotOf(history, { frame, ticksMax, zone: useShownZone() });
  const near = pointed === undefined ? undefined : plot.nearest(pointed);
  return (
    <div ref={measured} className="fleet-chart-frame">
      <svg {...svg} className="chart fleet-chart" aria-label={summaryOf(history.counts, span)}>
        <Drawing plot={plot} frame={frame} />
      </svg>
      <p className="metric-readout" aria-hidden="true">
        {near && countedText(near)}
      </p>
      <Legend series={plot.series} last={history.counts.at(-1)} />
    </div>
  );
}

function History({ span }: { span: FleetSpan }): ReactNode {
  const resource = useFleet().history(span);
  useReloading(resource, reloadEveryMs);
  return (
    <Loaded resource={resource} what={t`what the fleet was`}>
      {(history) =>
        history.counts.length < drawnFrom ? (
          <p className="muted">{t`There is too little to draw yet: the fleet is counted every quarter of an hour.`}</p>
        ) : (
          <Chart history={history} span={span} />
        )
      }
    </Loaded>
  );
}

const spanOf = (text: string): FleetSpan => fleetSpanNames.find((each) => each === text) ?? "day";

/** Versions, and who was online, over time. */
export function FleetOverTime(): ReactNode {
  const { scope } = useUser();
  const [typed, setSpan] = useParam("span");
  const span = spanOf(typed);
  return (
    <section className="panel" aria-labelledby="over-time-heading">
      <div className="panel-head">
        <h2 id="over-time-heading">{t`The fleet over time`}</h2>
        {scope === null && (
          <RangeChips
            label={t`Show the last`}
            ranges={fleetSpanNames}
            chosen={span}
            onChoose={(each) => setSpan(each === "day" ? "" : each)}
          />
        )}
      </div>
      {scope === null ? (
        <History span={span} />
      ) : (
        <p className="muted">{t`It is kept of the whole fleet, and you see a part of it.`}</p>
      )}
    </section>
  );
}
