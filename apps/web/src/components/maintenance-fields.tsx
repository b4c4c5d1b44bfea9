// When offers may be made, as fields.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useId, useMemo } from "react";
import {
  type MaintenanceErrors,
  type TypedMaintenance,
  type TypedWindow,
  typedWindow,
  type Weekday,
  weekdays,
} from "../typed-maintenance.ts";
import { Field } from "./field.tsx";
import { Icon } from "./icon.tsx";

interface Props {
  typed: TypedMaintenance;
  onChange: (typed: TypedMaintenance) => void;
  /** Undefined: nothing is to be shown yet. */
  errors: MaintenanceErrors | undefined;
}

const dayWords: Record<Weekday, { whole: string; short: string }> = {
  mon: { whole: t`Monday`, short: t`Mo` },
  tue: { whole: t`Tuesday`, short: t`Tu` },
  wed: { whole: t`Wednesday`, short: t`We` },
  thu: { whole: t`Thursday`, short: t`Th` },
  fri: { whole: t`Friday`, short: t`Fr` },
  sat: { whole: t`Saturday`, short: t`Sa` },
  sun: { whole: t`Sunday`, short: t`Su` },
};

export function MaintenanceFields({ typed, onChange, errors }: Props): ReactNode {
  const { windows } = typed;
  const set = (key: number, part: Partial<TypedWindow>): void =>
    onChange({ ...typed, windows: windows.map((each) => (each.key === key ? { ...each, ...part } : each)) });
  return (
    <div className="stack">
      <p className="hint">
        <Trans>
          Devices are offered the image only while a window is open. What was offered goes on to its end. One that
          closes before it opens is open past midnight.
        </Trans>
      </p>
      {windows.map((window, index) => (
        <WindowFields
          key={window.key}
          number={index + 1}
          window={window}
          error={errors?.windows.get(window.key)}
          onChange={(part) => set(window.key, part)}
          onRemove={() => onChange({ ...typed, windows: windows.filter((each) => each !== window) })}
        />
      ))}
      <button
        type="button"
        className="button small start"
        onClick={() => onChange({ ...typed, windows: [...windows, typedWindow()] })}
      >
        <Icon name="plus" /> {t`Add window`}
      </button>
      {windows.length > 0 && <ZoneFields typed={typed} onChange={onChange} errors={errors} />}
    </div>
  );
}

interface WindowProps {
  /** From 1. */
  number: number;
  window: TypedWindow;
  error: string | undefined;
  onChange: (part: Partial<TypedWindow>) => void;
  onRemove: () => void;
}

function WindowFields({ number, window, error, onChange, onRemove }: WindowProps): ReactNode {
  const id = useId();
  const marked = { "aria-invalid": true as const, "aria-describedby": id };
  const ofDays = error !== undefined && window.days.size === 0 ? marked : {};
  const ofTimes = error !== undefined && window.days.size > 0 ? marked : {};
  const toggled = (day: Weekday): ReadonlySet<Weekday> =>
    new Set(weekdays.filter((each) => window.days.has(each) !== (each === day)));
  return (
    <fieldset className="window-fields" aria-label={t`Maintenance window ${number}`}>
      <div className="days">
        {weekdays.map((day) => (
          <label key={day} className="day">
            <input
              type="checkbox"
              {...ofDays}
              aria-label={dayWords[day].whole}
              checked={window.days.has(day)}
              onChange={() => onChange({ days: toggled(day) })}
            />
            <span aria-hidden="true">{dayWords[day].short}</span>
          </label>
        ))}
      </div>
      <div className="joined">
        <input
          type="time"
          {...ofTimes}
          aria-label={t`Opens`}
          value={window.from}
          onChange={(event) => onChange({ from: event.target.value })}
        />
        <span className="unit">{t({ message: "to", context: "between two times of day" })}</span>
        <input
          type="time"
          {...ofTimes}
          aria-label={t`Closes`}
          value={window.to}
          onChange={(event) => onChange({ to: event.target.value })}
        />
        <button type="button" className="icon-button" aria-label={t`Remove window ${number}`} onClick={onRemove}>
          <Icon name="cross" />
        </button>
      </div>
      {error !== undefined && (
        <p className="field-error" id={id}>
          {error}
        </p>
      )}
    </fieldset>
  );
}

function ZoneFields({ typed, onChange, errors }: Props): ReactNode {
  const list = useId();
  const zones = useMemo(() => Intl.supportedValuesOf("timeZone"), []);
  return (
    <>
      <Field
        label={t`Time zone`}
        hint={typed.ofDevice ? t`Of devices that report none.` : t`Windows open and close by its clocks.`}
        error={errors?.timeZone}
      >
        {(ids) => (
          <>
            <input
              {...ids}
              list={list}
              value={typed.timeZone}
              autoComplete="off"
              onChange={(event) => onChange({ ...typed, timeZone: event.target.value })}
            />
            <datalist id={list}>
              {zones.map((zone) => (
                <option key={zone} value={zone} />
              ))}
            </datalist>
          </>
        )}
      </Field>
      <label className="choice">
        <input
          type="checkbox"
          checked={typed.ofDevice}
          onChange={(event) => onChange({ ...typed, ofDevice: event.target.checked })}
        />
        <span>
          {t`In each device’s own time zone`}
          <span className="hint">{t`Where it reports one, as its attribute timeZone.`}</span>
        </span>
      </label>
    </>
  );
}
