// What is typed, once nobody has typed for a moment: what is asked of the server while somebody types is asked of that.

import { useEffect, useState } from "react";

export function useSettled<T>(value: T, delayMs: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), delayMs);
    return () => clearTimeout(timer);
  }, [value, delayMs]);
  return settled;
}
