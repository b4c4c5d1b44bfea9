import type { ReactNode } from "react";

interface Props<Range extends string> {
  /** Of what, in words: "Show the last". */
  label: string;
  ranges: readonly Range[];
  chosen: Range;
  onChoose: (range: Range) => void;
}

/** How far back something is shown: "Last day", "Last week". */
export const RangeChips = <Range extends string>({ label, ranges, chosen, onChoose }: Props<Range>): ReactNode => (
  // biome-ignore lint/a11y/useSemanticElements: no form, so no fieldset
  <div className="chips" role="group" aria-label={label}>
    {ranges.map((each) => (
      <button key={each} type="button" className="chip" aria-pressed={each === chosen} onClick={() => onChoose(each)}>
        Last {each}
      </button>
    ))}
  </div>
);
