// What every chart over time has to know: how much room there is, and where somebody points.

import { type PointerEvent, type RefObject, useRef, useState } from "react";
import type { Frame } from "./metric-plot.ts";
import { useWidth } from "./use-width.ts";

interface ChartSize {
  heightPx: number;
  marginPx: { left: number; right: number; top: number; bottom: number };
  /** Of the axis of times. */
  widthPerTickPx: number;
}

export interface Chart {
  /** For the element around it. */
  measured: (element: Element | null) => void;
  frame: Frame;
  ticksMax: number;
  /** Along the axis of times, in pixels. */
  pointed: number | undefined;
  /** For the `<svg>` itself. */
  svg: {
    ref: RefObject<SVGSVGElement | null>;
    width: number;
    height: number;
    role: "img";
    onPointerMove: (event: PointerEvent) => void;
    onPointerLeave: () => void;
  };
}

export function useChart({ heightPx, marginPx, widthPerTickPx }: ChartSize): Chart {
  const [measured, widthPx] = useWidth();
  const ref = useRef<SVGSVGElement>(null);
  const [pointed, setPointed] = useState<number>();
  const frame = {
    left: marginPx.left,
    right: widthPx - marginPx.right,
    top: marginPx.top,
    bottom: heightPx - marginPx.bottom,
  };
  return {
    ...{ measured, frame, pointed },
    ticksMax: Math.max(2, Math.floor((frame.right - frame.left) / widthPerTickPx)),
    svg: {
      ...{ ref, width: widthPx, height: heightPx, role: "img" as const },
      onPointerMove: ({ clientX }) => setPointed(clientX - (ref.current?.getBoundingClientRect().left ?? 0)),
      onPointerLeave: () => setPointed(undefined),
    },
  };
}
