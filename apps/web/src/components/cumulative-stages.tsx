import type { ReactNode } from "react";

interface Props {
  /** Devices of each wave. */
  sizes: readonly number[];
  /** Which of them this bar is of. */
  index: number;
}

/** How far a rollout has come with a wave: what the waves before have, what this one adds, and what is left. */
export function CumulativeBar({ sizes, index }: Props): ReactNode {
  const sum = (parts: readonly number[]): number => parts.reduce((total, size) => total + size, 0);
  return (
    <div className="stage-bar" aria-hidden="true">
      <div className="stage-before" style={{ flexGrow: sum(sizes.slice(0, index)) }} />
      <div className="stage-now" style={{ flexGrow: sizes[index] ?? 0 }} />
      <div className="stage-left" style={{ flexGrow: sum(sizes.slice(index + 1)) }} />
    </div>
  );
}
