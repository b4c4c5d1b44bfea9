import type { ReactNode } from "react";
import type { Frame, Tick } from "../metric-plot.ts";

/** Where the times stand below the frame. */
const timesBelowPx = 20;

interface Props {
  values: readonly Tick[];
  times: readonly Tick[];
  frame: Frame;
}

/** Lines across at round values, and ticks at round times. */
export const ChartAxes = ({ values, times, frame }: Props): ReactNode => (
  <>
    {values.map(({ place, label }) => (
      <g key={label}>
        <line className="grid" x1={frame.left} x2={frame.right} y1={place} y2={place} />
        <text x={frame.left - 8} y={place} textAnchor="end" dominantBaseline="middle">
          {label}
        </text>
      </g>
    ))}
    {times.map(({ place, label }) => (
      <g key={place}>
        <line className="tick" x1={place} x2={place} y1={frame.bottom} y2={frame.bottom + 4} />
        <text x={Math.min(place, frame.right - 14)} y={frame.bottom + timesBelowPx} textAnchor="middle">
          {label}
        </text>
      </g>
    ))}
    <line className="axis" x1={frame.left} x2={frame.right} y1={frame.bottom} y2={frame.bottom} />
  </>
);
