import type { ReactNode } from "react";
import type { Tone } from "../words/state-words.ts";

interface Props {
  /** 0 to 1. */
  part: number;
  label: string;
  /** What a screen reader says instead of a bare percentage. */
  valueText?: string;
  tone?: Tone;
}

export const ProgressBar = ({ part, label, valueText, tone = "busy" }: Props): ReactNode => (
  <div
    className={`bar tone-${tone}`}
    role="progressbar"
    aria-label={label}
    aria-valuemin={0}
    aria-valuemax={100}
    aria-valuenow={Math.round(part * 100)}
    {...(valueText ? { "aria-valuetext": valueText } : {})}
  >
    <div className="bar-fill" style={{ width: `${part * 100}%` }} />
  </div>
);
