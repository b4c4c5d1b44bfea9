// What is typed to search by. It stands in the address at once, but not again before a moment has passed: who types on
// is answered as they do, and no more addresses are made than browsers take.

import { useEffect, useRef, useState } from "react";
import { useParam } from "./router.ts";

const apartMs = 60;

export interface TypedParam {
  typed: string;
  setTyped: (typed: string) => void;
  /** As the address has it. */
  settled: string;
}

export function useTypedParam(name: string): TypedParam {
  const [settled, settle] = useParam(name);
  const [typed, setTyped] = useState(settled);
  const [known, setKnown] = useState(settled);
  const settledAt = useRef(Number.NEGATIVE_INFINITY);
  // Somebody went back, or opened the page anew.
  if (settled !== known) {
    setKnown(settled);
    setTyped(settled);
  }
  useEffect(() => {
    if (typed === settled) return;
    const settleNow = (): void => {
      settledAt.current = performance.now();
      setKnown(typed);
      settle(typed);
    };
    const waitMs = settledAt.current + apartMs - performance.now();
    if (waitMs <= 0) return settleNow();
    const timer = setTimeout(settleNow, waitMs);
    return () => clearTimeout(timer);
  }, [typed, settled, settle]);
  return { typed, setTyped, settled };
}
