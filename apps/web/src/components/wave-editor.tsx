// The waves of a rollout as rows, and below them how many devices each has, as it changes.

import { type ReactNode, useId } from "react";
import { wholePercent } from "@flipside/api/rollout-arithmetic";
import type { FilterError } from "@flipside/device-filter";
import type { RuleErrors, TypedRules } from "../typed-rules.ts";
import { type DealtWaves, takesAll, type TypedWaves, type WaveRow, waveRow } from "../typed-waves.ts";
import { count, plural } from "../words/quantities.ts";
import { CumulativeBar } from "./cumulative-stages.tsx";
import { Disclosure } from "./disclosure.tsx";
import { FilterField } from "./filter-field.tsx";
import { Icon } from "./icon.tsx";
import { RuleFields } from "./rule-fields.tsx";

interface Props {
  /** With the rules of the rollout. */
  draft: TypedWaves & TypedRules;
  onChange: (part: Partial<TypedWaves>) => void;
  /** Devices in the target. */
  total: number;
  dealt: DealtWaves;
  /** Of each row's own rules, and last of the wave that is left over. */
  errors: readonly RuleErrors[];
  showErrors: boolean;
}

/** What a wave starts from when it is to have rules of its own. */
const copied = ({
  threshold,
  action,
  minimumSample,
  soak,
  deadline,
  underWayMax,
  rate,
  approval,
}: TypedRules): TypedRules => ({
  ...{ threshold, action, minimumSample, soak, deadline, underWayMax, rate, approval },
  startAt: "",
});

export function WaveEditor({ draft, onChange, total, dealt, errors, showErrors }: Props): ReactNode {
  const { waves: rows, restOwn } = draft;
  const previewId = useId();
  const change = (key: number, part: Partial<WaveRow>): void =>
    onChange({ waves: rows.map((each) => (each.key === key ? { ...each, ...part } : each)) });
  const ownOf = (index: number, own: TypedRules | undefined, set: (own: TypedRules | undefined) => void): ReactNode => (
    <OwnRules index={index} {...{ own, set, draft, showErrors }} errors={errors[index] ?? {}} />
  );
  return (
    <>
      <ol className="wave-rows" role="list">
        {rows.map((each, i) => (
          <SizeRow
            key={each.key}
            row={each}
            index={i}
            problem={showErrors || isTyped(each) ? dealt.problems[i] : undefined}
            fault={dealt.faults[i]}
            previewId={previewId}
            onChange={(part) => change(each.key, part)}
            onRemove={() => onChange({ waves: rows.filter((other) => other !== each) })}
          >
            {ownOf(i, each.own, (own) => change(each.key, { own }))}
          </SizeRow>
        ))}
        <li>
          <span className="wave-row-name">Wave {rows.length + 1}</span>
          <span className="muted">{rows.length === 0 ? "all devices" : "the rest"}</span>
          {!takesAll(rows) && ownOf(rows.length, restOwn, (own) => onChange({ restOwn: own }))}
        </li>
      </ol>
      <button
        type="button"
        className="button small"
        onClick={() => onChange({ waves: [...rows, waveRow("", "percent")] })}
      >
        <Icon name="plus" /> Add wave
      </button>
      <WavePreview id={previewId} dealt={dealt} total={total} />
    </>
  );
}

const isTyped = ({ unit, amount, filter }: WaveRow): boolean => (unit === "filter" ? filter : amount) !== "";

interface RowProps {
  row: WaveRow;
  index: number;
  problem: string | undefined;
  /** What can't be read in its filter. */
  fault: FilterError | undefined;
  previewId: string;
  onChange: (part: Partial<WaveRow>) => void;
  onRemove: () => void;
  children: ReactNode;
}

function SizeRow({ row, index, problem, fault, previewId, onChange, onRemove, children }: RowProps): ReactNode {
  const errorId = `${previewId}-${row.key}`;
  return (
    <li>
      <span className="wave-row-name">Wave {index + 1}</span>
      <div className="joined">
        <input
          type="number"
          inputMode="numeric"
          min="1"
          step={row.unit === "percent" ? "any" : "1"}
          aria-label={`Size of wave ${index + 1}`}
          aria-describedby={problem === undefined ? previewId : errorId}
          {...(problem === undefined || fault !== undefined ? {} : { "aria-invalid": true })}
          {...(row.unit === "filter" ? { placeholder: "all" } : {})}
          value={row.amount}
          onChange={(event) => onChange({ amount: event.target.value })}
        />
        <select
          aria-label={`Unit of wave ${index + 1}`}
          value={row.unit}
          onChange={(event) => onChange({ unit: event.target.value as WaveRow["unit"] })}
        >
          <option value="devices">devices</option>
          <option value="percent">% of all, in total</option>
          <option value="filter">of those that a filter means</option>
        </select>
      </div>
      <button type="button" className="icon-button" aria-label={`Remove wave ${index + 1}`} onClick={onRemove}>
        <Icon name="cross" />
      </button>
      {row.unit === "filter" && (
        <div className="wave-filter">
          <FilterField
            label={`Filter of wave ${index + 1}`}
            value={row.filter}
            onChange={(filter) => onChange({ filter })}
            fault={fault}
          />
        </div>
      )}
      {problem !== undefined && fault === undefined && (
        <p className="field-error" id={errorId}>
          {problem}
        </p>
      )}
      {children}
    </li>
  );
}

interface OwnProps {
  index: number;
  /** Undefined: the rollout's. */
  own: TypedRules | undefined;
  set: (own: TypedRules | undefined) => void;
  draft: TypedRules;
  errors: RuleErrors;
  showErrors: boolean;
}

/** Rules that hold for this wave alone. They begin as the rollout's, and what is left as it is stays the rollout's. */
function OwnRules({ index, own, set, draft, errors, showErrors }: OwnProps): ReactNode {
  const label = `Rules of wave ${index + 1}`;
  if (own === undefined)
    return (
      <button type="button" className="button small quiet wave-own" onClick={() => set(copied(draft))}>
        Own rules<span className="visually-hidden"> of wave {index + 1}</span>
      </button>
    );
  return (
    <fieldset className="wave-rules" aria-label={label}>
      <Disclosure label={label} held={showErrors && Object.keys(errors).length > 0} startsOpen>
        <RuleFields
          typed={own}
          change={(part) => set({ ...own, ...part })}
          errors={showErrors ? errors : {}}
          isFirst={index === 0}
        />
        <button type="button" className="button small" onClick={() => set(undefined)}>
          Same as the rollout
        </button>
      </Disclosure>
    </fieldset>
  );
}

const reachedBy = (sizes: readonly number[], wave: number): number =>
  sizes.slice(0, wave + 1).reduce((sum, size) => sum + size, 0);

const WavePreview = ({
  id,
  dealt: { sizes, isExact },
  total,
}: {
  id: string;
  dealt: DealtWaves;
  total: number;
}): ReactNode => (
  <div className="wave-preview" id={id} role="status" aria-label="Preview of the waves">
    {sizes === undefined ? (
      <p className="muted">Complete the sizes to see how many devices each wave has.</p>
    ) : total === 0 ? (
      <p className="muted">Choose devices to see how many each wave has.</p>
    ) : (
      <>
        <ol role="list">
          {sizes.map((size, i) => (
            <li key={i} className={size === 0 ? "muted" : ""}>
              <span>Wave {i + 1}</span> <strong>{plural(size, "device")}</strong>{" "}
              <span className="muted">
                {size === 0
                  ? "(nothing left for it)"
                  : `${count(wholePercent(size, total))} %, ${count(reachedBy(sizes, i))} of ${count(total)} by then`}
              </span>
              <CumulativeBar sizes={sizes} index={i} />
            </li>
          ))}
        </ol>
        {!isExact && <p className="hint">About so many: whom a filter finds depends on who went before.</p>}
      </>
    )}
  </div>
);
