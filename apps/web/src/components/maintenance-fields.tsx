// When offers may be made, as fields.

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

const dayWords: Record<Weekday, string> = {
  mon: "Monday",
  tue: "Tuesday",
  wed: "Wednesday",
  thu: "Thursday",
  fri: "Friday",
  sat: "Saturday",
  sun: "Sunday",
};

export function MaintenanceFields({ typed, onChange, errors }: Props): ReactNode {
  const { windows } = typed;
  const set = (key: number, part: Partial<TypedWindow>): void =>
    onChange({ ...typed, windows: windows.map((each) => (each.key === key ? { ...each, ...part } : each)) });
  return (
    <div className="stack">
      <p className="hint">
        Devices are offered the image only while a window is open. What was offered goes on to its end. One that closes
        before it opens is open past midnight.
      </p>
      {windows.map((window, index) => (
        <WindowFields
          key={window.key}
          name={`window ${index + 1}`}
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
        <Icon name="plus" /> Add window
      </button>
      {windows.length > 0 && <ZoneFields typed={typed} onChange={onChange} errors={errors} />}
    </div>
  );
}

interface WindowProps {
  name: string;
  window: TypedWindow;
  error: string | undefined;
  onChange: (part: Partial<TypedWindow>) => void;
  onRemove: () => void;
}

function WindowFields({ name, window, error, onChange, onRemove }: WindowProps): ReactNode {
  const id = useId();
  const marked = { "aria-invalid": true as const, "aria-describedby": id };
  const ofDays = error !== undefined && window.days.size === 0 ? marked : {};
  const ofTimes = error !== undefined && window.days.size > 0 ? marked : {};
  const toggled = (day: Weekday): ReadonlySet<Weekday> =>
    new Set(weekdays.filter((each) => window.days.has(each) !== (each === day)));
  return (
    <fieldset className="window-fields" aria-label={`Maintenance ${name}`}>
      <div className="days">
        {weekdays.map((day) => (
          <label key={day} className="day">
            <input
              type="checkbox"
              {...ofDays}
              aria-label={dayWords[day]}
              checked={window.days.has(day)}
              onChange={() => onChange({ days: toggled(day) })}
            />
            <span aria-hidden="true">{dayWords[day].slice(0, 2)}</span>
          </label>
        ))}
      </div>
      <div className="joined">
        <input
          type="time"
          {...ofTimes}
          aria-label="Opens"
          value={window.from}
          onChange={(event) => onChange({ from: event.target.value })}
        />
        <span className="unit">to</span>
        <input
          type="time"
          {...ofTimes}
          aria-label="Closes"
          value={window.to}
          onChange={(event) => onChange({ to: event.target.value })}
        />
        <button type="button" className="icon-button" aria-label={`Remove ${name}`} onClick={onRemove}>
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
        label="Time zone"
        hint={typed.ofDevice ? "Of devices that report none." : "Windows open and close by its clocks."}
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
          In each device’s own time zone
          <span className="hint">Where it reports one, as its attribute timeZone.</span>
        </span>
      </label>
    </>
  );
}
