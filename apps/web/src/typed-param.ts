// What is typed to search by. It stands in the address once it has stood still for a moment: neither is a server asked
// for each letter, nor are more addresses made than browsers take.

import { useEffect, useState } from "react";
import { useParam } from "./router.ts";

const settlesMs = 150;

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
  // Somebody went back, or opened the page anew.
  if (settled !== known) {
    setKnown(settled);
    setTyped(settled);
  }
  useEffect(() => {
    if (typed === settled) return;
    const timer = setTimeout(() => settle(typed), settlesMs);
    return () => clearTimeout(timer);
  }, [typed, settled, settle]);
  return { typed, setTyped, settled };
}
