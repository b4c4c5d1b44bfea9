import { select, t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import type { MetricHistoryPage, MetricPoint } from "@flipside/api/types";
import { type Frame, type MetricRange, plotOf } from "../metric-plot.ts";
import { useShownZone } from "../shown-zone.ts";
import { useChart } from "../use-chart.ts";
import { metricText } from "../words/metric-words.ts";
import { nearMoment } from "../words/quantities.ts";
import type { Tone } from "../words/state-words.ts";
import { ChartAxes } from "./chart-axes.tsx";

const size = { heightPx: 150, marginPx: { left: 64, right: 12, top: 10, bottom: 24 }, widthPerTickPx: 70 };

/** Something that happened to the device, as a line across. */
export interface ChartMark {
  at: string;
  tone: Tone;
  text: string;
}

function pointText(name: string, { at, min, max, mean: value, count: values }: MetricPoint): string {
  const [time, mean] = [nearMoment(at), metricText(name, Math.round(value * 10) / 10)];
  if (values === 1) return t`${time}: ${mean}`;
  const [least, most] = [metricText(name, min), metricText(name, max)];
  return t`${time}: ${mean} (${least} to ${most})`;
}

function summary({ name, points }: MetricHistoryPage, range: MetricRange, marks: readonly ChartMark[]): string {
  const newest = points.at(-1);
  if (newest === undefined)
    return t`${name}: no values ${select(range, { hour: "in the last hour", day: "in the last day", other: "in the last week" })}`;
  const [min, max] = [Math.min(...points.map((each) => each.min)), Math.max(...points.map((each) => each.max))];
  const [last, least, most] = [metricText(name, newest.last), metricText(name, min), metricText(name, max)];
  const values = t`${name}: ${last}, ${select(range, {
    hour: "in the last hour",
    day: "in the last day",
    other: "in the last week",
  })} ${least} to ${most}`;
  return [values, ...marks.map(({ text }) => text)].join(t`; `);
}

const Mark = ({ mark: { tone, text }, x, frame }: { mark: ChartMark; x: number; frame: Frame }): ReactNode => (
  <g className={`mark tone-${tone}`}>
    <title>{text}</title>
    <line x1={x} x2={x} y1={frame.top} y2={frame.bottom} />
    <path d={`M${x.toFixed(1)} ${frame.top}l-4-7h8z`} />
  </g>
);

/** Means as a line, and between which values they are where a point stands for several. */
export function MetricChart({
  history,
  range,
  marks,
}: {
  history: MetricHistoryPage;
  range: MetricRange;
  marks: readonly ChartMark[];
}): ReactNode {
  const { measured, frame, ticksMax, pointed, svg } = useChart(size);
  const plot = plotOf(history, { frame, ticksMax, zone: useShownZone() });
  const shown = marks.filter(({ at }) => at >= history.from && at < history.to);
  const near = pointed === undefined ? undefined : plot.nearest(pointed);
  return (
    <div ref={measured}>
      <svg {...svg} className="chart metric-chart" aria-label={summary(history, range, shown)}>
        <ChartAxes {...plot} frame={frame} />
        {plot.bands.map((band) => (
          <path key={band} className="band" d={band} />
        ))}
        {plot.lines.map((line) => (
          <path key={line} className="line" d={line} />
        ))}
        {plot.dots.map(({ x, y }) => (
          <circle key={x} className="dot" cx={x} cy={y} r="2" />
        ))}
        {shown.map((mark) => (
          <Mark key={mark.at} mark={mark} x={plot.placeOf(Date.parse(mark.at))} frame={frame} />
        ))}
        {near && <circle className="pointed" cx={near.x} cy={near.y} r="3.5" />}
      </svg>
      <p className="metric-readout" aria-hidden="true">
        {near
          ? pointText(history.name, near.point)
          : history.points.length === 0
            ? t`No values in this time.`
            : shown.map(({ text }) => text).join(" · ")}
      </p>
    </div>
  );
}
