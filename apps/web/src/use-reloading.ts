// What no event tells of is loaded anew now and then, while somebody looks.

import { useEffect } from "react";
import type { Resource } from "./live/resource.ts";

export function useReloading<T>(resource: Resource<T>, everyMs: number): void {
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void resource.reload();
    }, everyMs);
    return () => clearInterval(timer);
  }, [resource, everyMs]);
}
