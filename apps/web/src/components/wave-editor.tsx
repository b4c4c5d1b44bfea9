// The waves of a rollout as rows, and below them how many devices each has, as it changes.

import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useId } from "react";
import { wholePercent } from "@flipside/api/rollout-arithmetic";
import type { FilterError } from "@flipside/device-filter";
import type { RuleErrors, TypedRules } from "../typed-rules.ts";
import { type DealtWaves, takesAll, type TypedWaves, type WaveRow, waveRow } from "../typed-waves.ts";
import { count } from "../words/quantities.ts";
import { CumulativeBar } from "./cumulative-stages.tsx";
import { Disclosure } from "./disclosure.tsx";
import { FilterField } from "./filter-field.tsx";
import { Icon } from "./icon.tsx";
import { RuleFields } from "./rule-fields.tsx";

interface Props {
  /** With the rules of the rollout. */
  draft: TypedWaves & TypedRules;
  onChange: (part: Partial<TypedWaves>) => void;
  /** Devices in the target; undefined: not counted yet. */
  total: number | undefined;
  /** The server is being asked for what only it knows. */
  isAsking: boolean;
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

function waveName(index: number): string {
  const number = index + 1;
  return t`Wave ${number}`;
}

export function WaveEditor({ draft, onChange, total, isAsking, dealt, errors, showErrors }: Props): ReactNode {
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
          <span className="wave-row-name">{waveName(rows.length)}</span>
          <span className="muted">{rows.length === 0 ? t`all devices` : t`the rest`}</span>
          {!takesAll(rows) && ownOf(rows.length, restOwn, (own) => onChange({ restOwn: own }))}
        </li>
      </ol>
      <button
        type="button"
        className="button small"
        onClick={() => onChange({ waves: [...rows, waveRow("", "percent")] })}
      >
        <Icon name="plus" /> <Trans>Add wave</Trans>
      </button>
      <WavePreview id={previewId} {...{ dealt, total, isAsking }} />
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
  const number = index + 1;
  return (
    <li>
      <span className="wave-row-name">{waveName(index)}</span>
      <div className="joined">
        <input
          type="number"
          inputMode="numeric"
          min="1"
          step={row.unit === "percent" ? "any" : "1"}
          aria-label={t`Size of wave ${number}`}
          aria-describedby={problem === undefined ? previewId : errorId}
          {...(problem === undefined || fault !== undefined ? {} : { "aria-invalid": true })}
          {...(row.unit === "filter" ? { placeholder: t`all` } : {})}
          value={row.amount}
          onChange={(event) => onChange({ amount: event.target.value })}
        />
        <select
          aria-label={t`Unit of wave ${number}`}
          value={row.unit}
          onChange={(event) => onChange({ unit: event.target.value as WaveRow["unit"] })}
        >
          <option value="devices">{t`devices`}</option>
          <option value="percent">{t`% of all, in total`}</option>
          <option value="filter">{t`of those that a filter means`}</option>
        </select>
      </div>
      <button type="button" className="icon-button" aria-label={t`Remove wave ${number}`} onClick={onRemove}>
        <Icon name="cross" />
      </button>
      {row.unit === "filter" && (
        <div className="wave-filter">
          <FilterField
            label={t`Filter of wave ${number}`}
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
  const number = index + 1;
  const label = t`Rules of wave ${number}`;
  if (own === undefined)
    return (
      <button type="button" className="button small quiet wave-own" onClick={() => set(copied(draft))}>
        <Trans>
          Own rules<span className="visually-hidden"> of wave {number}</span>
        </Trans>
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
          <Trans>Same as the rollout</Trans>
        </button>
      </Disclosure>
    </fieldset>
  );
}

const reachedBy = (sizes: readonly number[], wave: number): number =>
  sizes.slice(0, wave + 1).reduce((sum, size) => sum + size, 0);

function shareWords(size: number, reachedThen: number, ofAll: number): string {
  const percent = count(wholePercent(size, ofAll));
  const reached = count(reachedThen);
  const total = count(ofAll);
  return t`${percent} %, ${reached} of ${total} by then`;
}

type PreviewProps = { id: string } & Pick<Props, "dealt" | "total" | "isAsking">;

const WavePreview = ({ id, ...of }: PreviewProps): ReactNode => (
  <div className="wave-preview" id={id} role="status" aria-label={t`Preview of the waves`}>
    <Preview {...of} />
  </div>
);

function Preview({ dealt: { sizes, problems, needsServer }, total, isAsking }: Omit<PreviewProps, "id">): ReactNode {
  if (sizes !== undefined && total !== 0) return <Sizes sizes={sizes} />;
  return (
    <p className="muted">
      {problems.some((problem) => problem !== undefined)
        ? t`Complete the sizes to see how many devices each wave has.`
        : total === 0
          ? t`Choose devices to see how many each wave has.`
          : total === undefined || isAsking || !needsServer
            ? t`Counting…`
            : t`Check first, to see how many devices each wave has.`}
    </p>
  );
}

function Sizes({ sizes }: { sizes: readonly number[] }): ReactNode {
  const total = reachedBy(sizes, sizes.length);
  return (
    <ol role="list">
      {sizes.map((size, i) => (
        <li key={i} className={size === 0 ? "muted" : ""}>
          <span>{waveName(i)}</span> <strong>{plural(size, { one: "# device", other: "# devices" })}</strong>{" "}
          <span className="muted">
            {size === 0 ? t`(nothing left for it)` : shareWords(size, reachedBy(sizes, i), total)}
          </span>
          <CumulativeBar sizes={sizes} index={i} />
        </li>
      ))}
    </ol>
  );
}
