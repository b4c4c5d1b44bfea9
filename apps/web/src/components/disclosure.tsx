import { type ReactNode, useState } from "react";
import { Icon } from "./icon.tsx";

interface Props {
  label: string;
  /** Stays open: something in it has to be seen. */
  held: boolean;
  startsOpen?: boolean;
  children: ReactNode;
}

/** What is seldom needed, out of sight until it is asked for. */
export function Disclosure({ label, held, startsOpen = false, children }: Props): ReactNode {
  const [open, setOpen] = useState(startsOpen);
  return (
    <details
      className="disclosure"
      open={open || held}
      onToggle={({ currentTarget }) => {
        // The browser has closed it by itself, and React sets only what it believes to have changed.
        if (held) currentTarget.open = true;
        setOpen(currentTarget.open);
      }}
    >
      <summary>
        <Icon name="chevron" /> {label}
      </summary>
      {children}
    </details>
  );
}
