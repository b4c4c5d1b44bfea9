import { type ReactNode, useId } from "react";
import { Icon } from "./icon.tsx";

export function SearchField({
  label,
  example = label,
  value,
  onChange,
}: {
  label: string;
  /** Shown while it is empty. */
  example?: string;
  value: string;
  onChange: (value: string) => void;
}): ReactNode {
  const id = useId();
  return (
    <div className="search">
      <label className="visually-hidden" htmlFor={id}>
        {label}
      </label>
      <Icon name="search" />
      <input
        id={id}
        type="search"
        placeholder={example}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        autoComplete="off"
        spellCheck={false}
      />
    </div>
  );
}
