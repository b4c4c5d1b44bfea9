// How wide something may be that is drawn in pixels.

import { useEffect, useState } from "react";

/** As wide as there is room, so that text is not scaled with the rest. */
export function useWidth(): [(element: Element | null) => void, number] {
  const [widthPx, setWidth] = useState(600);
  const [element, setElement] = useState<Element | null>(null);
  useEffect(() => {
    if (element === null) return undefined;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.max(240, entry.contentRect.width)));
    observer.observe(element);
    return () => observer.disconnect();
  }, [element]);
  return [setElement, widthPx];
}
