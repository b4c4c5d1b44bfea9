import { type ReactNode, useId } from "react";
import { waveProblems, waveSizes, wholePercent } from "@flipside/api/rollout-arithmetic";
import type { WaveSpec } from "@flipside/api/types";
import { count, plural } from "../words/quantities.ts";
import { Icon } from "./icon.tsx";

export interface WaveRow {
  key: number;
  /** As typed. */
  amount: string;
  unit: "devices" | "percent";
}

let nextKey = 0;
const row = (amount: string, unit: WaveRow["unit"]): WaveRow => ({ key: nextKey++, amount, unit });

export const initialWaves = (): WaveRow[] => [row("1", "devices"), row("25", "percent")];

export const waveSpecOf = ({ amount, unit }: WaveRow): WaveSpec => {
  const number = amount.trim() === "" ? Number.NaN : Number(amount);
  return unit === "percent" ? { percent: number } : { count: number };
};

interface Props {
  rows: WaveRow[];
  onChange: (rows: WaveRow[]) => void;
  /** Devices in the target. */
  total: number;
  showErrors: boolean;
}

/** The waves as rows, and below them how many devices each has, as it changes. */
export function WaveEditor({ rows, onChange, total, showErrors }: Props): ReactNode {
  const previewId = useId();
  const specs = rows.map(waveSpecOf);
  const problems = waveProblems(specs);
  const valid = problems.every((problem) => problem === undefined);
  const sizes = valid ? waveSizes(specs, total) : [];
  const change = (key: number, part: Partial<WaveRow>): void =>
    onChange(rows.map((each) => (each.key === key ? { ...each, ...part } : each)));
  return (
    <>
      <ol className="wave-rows" role="list">
        {rows.map((each, i) => {
          const error = problems[i];
          const shown = error !== undefined && (showErrors || each.amount !== "");
          return (
            <li key={each.key}>
              <span className="wave-row-name">Wave {i + 1}</span>
              <div className="joined">
                <input
                  type="number"
                  inputMode="numeric"
                  min="1"
                  step={each.unit === "percent" ? "any" : "1"}
                  aria-label={`Size of wave ${i + 1}`}
                  aria-describedby={shown ? `${previewId}-${each.key}` : previewId}
                  {...(shown ? { "aria-invalid": true } : {})}
                  value={each.amount}
                  onChange={(event) => change(each.key, { amount: event.target.value })}
                />
                <select
                  aria-label={`Unit of wave ${i + 1}`}
                  value={each.unit}
                  onChange={(event) => change(each.key, { unit: event.target.value as WaveRow["unit"] })}
                >
                  <option value="devices">devices</option>
                  <option value="percent">% of all, in total</option>
                </select>
              </div>
              <button
                type="button"
                className="icon-button"
                aria-label={`Remove wave ${i + 1}`}
                onClick={() => onChange(rows.filter((other) => other !== each))}
              >
                <Icon name="cross" />
              </button>
              {shown && (
                <p className="field-error" id={`${previewId}-${each.key}`}>
                  {error}
                </p>
              )}
            </li>
          );
        })}
        <li>
          <span className="wave-row-name">Wave {rows.length + 1}</span>
          <span className="muted">{rows.length === 0 ? "all devices" : "the rest"}</span>
        </li>
      </ol>
      <button type="button" className="button small" onClick={() => onChange([...rows, row("", "percent")])}>
        <Icon name="plus" /> Add wave
      </button>

      <div className="wave-preview" id={previewId} role="status" aria-label="Preview of the waves">
        {!valid ? (
          <p className="muted">Complete the sizes to see how many devices each wave has.</p>
        ) : total === 0 ? (
          <p className="muted">Choose devices to see how many each wave has.</p>
        ) : (
          <>
            <div className="wave-preview-bar" aria-hidden="true">
              {sizes.map((size, i) => size > 0 && <div key={i} style={{ flexGrow: size }} />)}
            </div>
            <ol role="list">
              {sizes.map((size, i) => (
                <li key={i} className={size === 0 ? "muted" : ""}>
                  <span>Wave {i + 1}</span> <strong>{plural(size, "device")}</strong>{" "}
                  <span className="muted">
                    {size === 0 ? "(nothing left for it)" : `${count(wholePercent(size, total))} %`}
                  </span>
                </li>
              ))}
            </ol>
          </>
        )}
      </div>
    </>
  );
}
