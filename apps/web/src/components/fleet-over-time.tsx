import { fleetSpanNames, type FleetSpan } from "@flipside/api/fleet-spans";
import type { FleetHistory } from "@flipside/api/types";
import { type PointerEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { type FleetPlot, fleetPlotOf, type Series } from "../fleet-plot.ts";
import { useFleet } from "../live/hooks.ts";
import type { Frame } from "../metric-plot.ts";
import { devicesPath, useParam } from "../router.ts";
import { useUser } from "../session.tsx";
import { useWidth } from "../use-width.ts";
import { count, nearMoment, plural } from "../words/quantities.ts";
import { Link } from "./link.tsx";
import { Loaded } from "./loaded.tsx";

/** It is counted every quarter of an hour, and no event tells of it. */
const reloadEveryMs = 5 * 60_000;
const heightPx = 190;
const marginPx = { left: 56, right: 12, top: 10, bottom: 24 };
const widthPerTickPx = 80;
/** So many counts, now among them. */
const drawnFrom = 3;

type Counted = FleetHistory["counts"][number];

const nameOf = ({ version }: Pick<Series, "version">): string =>
  version === undefined ? "others" : (version ?? "not known yet");

const versionsText = ({ versions, otherVersions }: Counted): string =>
  [
    ...versions.map(({ version, count: devices }) => `${nameOf({ version })} ${count(devices)}`),
    ...(otherVersions === 0 ? [] : [`others ${count(otherVersions)}`]),
  ].join(", ");

const countedText = (counted: Counted): string =>
  `${nearMoment(counted.at)}: ${plural(counted.total, "device")}, ${count(counted.online)} online; ${versionsText(counted)}`;

const summaryOf = (counts: readonly Counted[], span: FleetSpan): string =>
  `The fleet in the last ${span}. At first, ${countedText(counts[0]!)}. Now, ${countedText(counts.at(-1)!)}.`;

function Drawing({ plot, frame }: { plot: FleetPlot; frame: Frame }): ReactNode {
  return (
    <>
      {plot.series.map(({ version, area }, at) => (
        <path key={String(version)} className={`series-${version === undefined ? "rest" : at + 1}`} d={area} />
      ))}
      {plot.values.map(({ place, label }) => (
        <g key={label}>
          <line className="grid" x1={frame.left} x2={frame.right} y1={place} y2={place} />
          <text x={frame.left - 8} y={place} textAnchor="end" dominantBaseline="middle">
            {label}
          </text>
        </g>
      ))}
      {plot.times.map(({ place, label }) => (
        <text key={place} x={Math.min(place, frame.right - 14)} y={heightPx - 4} textAnchor="middle">
          {label}
        </text>
      ))}
      <path className="online-ground" d={plot.online} />
      <path className="online-line" d={plot.online} />
    </>
  );
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
      online{last && ` (${count(last.online)} of ${count(last.total)})`}
    </li>
  </ul>
);

function Chart({ history, span }: { history: FleetHistory; span: FleetSpan }): ReactNode {
  const [measured, widthPx] = useWidth();
  const svg = useRef<SVGSVGElement>(null);
  const [pointed, setPointed] = useState<number>();
  const frame = {
    left: marginPx.left,
    right: widthPx - marginPx.right,
    top: marginPx.top,
    bottom: heightPx - marginPx.bottom,
  };
  const plot = fleetPlotOf(history, frame, Math.max(2, Math.floor((frame.right - frame.left) / widthPerTickPx)));
  const near = pointed === undefined ? undefined : plot.nearest(pointed);
  const point = ({ clientX }: PointerEvent): void =>
    setPointed(clientX - (svg.current?.getBoundingClientRect().left ?? 0));
  return (
    <div ref={measured} className="fleet-chart-frame">
      <svg
        ref={svg}
        className="fleet-chart"
        width={widthPx}
        height={heightPx}
        role="img"
        aria-label={summaryOf(history.counts, span)}
        onPointerMove={point}
        onPointerLeave={() => setPointed(undefined)}
      >
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
  useEffect(() => {
    const timer = setInterval(() => void resource.reload(), reloadEveryMs);
    return () => clearInterval(timer);
  }, [resource]);
  return (
    <Loaded resource={resource} what="what the fleet was">
      {(history) =>
        history.counts.length < drawnFrom ? (
          <p className="muted">There is too little to draw yet: the fleet is counted every quarter of an hour.</p>
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
        <h2 id="over-time-heading">The fleet over time</h2>
        {scope === null && (
          // biome-ignore lint/a11y/useSemanticElements: no form, so no fieldset
          <div className="chips" role="group" aria-label="Show the last">
            {fleetSpanNames.map((each) => (
              <button
                key={each}
                type="button"
                className="chip"
                aria-pressed={each === span}
                onClick={() => setSpan(each === "day" ? "" : each)}
              >
                Last {each}
              </button>
            ))}
          </div>
        )}
      </div>
      {scope === null ? (
        <History span={span} />
      ) : (
        <p className="muted">It is kept of the whole fleet, and you see a part of it.</p>
      )}
    </section>
  );
}
