import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";

type Span = "hour" | "day" | "week" | "quarter";

const lastWords: Record<Span, string> = {
  hour: t`Last hour`,
  day: t`Last day`,
  week: t`Last week`,
  quarter: t`Last quarter`,
};

interface Props<Range extends Span> {
  /** Of what, in words: "Show the last". */
  label: string;
  ranges: readonly Range[];
  chosen: Range;
  onChoose: (range: Range) => void;
}

/** How far back something is shown: "Last day", "Last week". */
export const RangeChips = <Range extends Span>({ label, ranges, chosen, onChoose }: Props<Range>): ReactNode => (
  // biome-ignore lint/a11y/useSemanticElements: no form, so no fieldset
  <div className="chips" role="group" aria-label={label}>
    {ranges.map((each) => (
      <button key={each} type="button" className="chip" aria-pressed={each === chosen} onClick={() => onChoose(each)}>
        {lastWords[each]}
      </button>
    ))}
  </div>
);
