// A choice that is made or not, with what it means.

import { type ReactNode, useId } from "react";

interface Props {
  checked: boolean;
  change: (checked: boolean) => void;
  hint?: ReactNode;
  /** What is chosen. */
  children: ReactNode;
}

export function CheckField({ checked, change, hint, children }: Props): ReactNode {
  const id = useId();
  const describedBy = hint ? { "aria-describedby": id } : {};
  return (
    <label className="choice">
      <input type="checkbox" checked={checked} onChange={(event) => change(event.target.checked)} {...describedBy} />
      <span>
        {children}
        {hint && (
          <span className="hint" id={id}>
            {hint}
          </span>
        )}
      </span>
    </label>
  );
}
