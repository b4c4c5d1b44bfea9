// A button that opens a few more: what is seldom needed, or is not to be pressed by mistake. It closes by Escape, when
// the focus goes elsewhere, and after a choice.

import { type ReactNode, useEffect, useRef, useState } from "react";
import { Icon } from "./icon.tsx";

interface Props {
  label: ReactNode;
  className?: string;
  /** `close`: gives the focus back to the button. */
  children: (close: () => void) => ReactNode;
}

export function Menu({ label, className = "button", children }: Props): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const whole = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  useEffect(() => {
    if (!isOpen) return;
    const pressed = (event: PointerEvent): void => {
      if (event.target instanceof Node && !whole.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener("pointerdown", pressed);
    return () => document.removeEventListener("pointerdown", pressed);
  }, [isOpen]);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what is in it takes keys, and Escape is for all of it
    <div
      className="menu"
      ref={whole}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !isOpen) return;
        event.stopPropagation();
        close();
      }}
      onBlur={(event) => {
        if (event.relatedTarget instanceof Node && !event.currentTarget.contains(event.relatedTarget)) setOpen(false);
      }}
    >
      <button ref={button} type="button" className={className} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {label} <Icon name="chevron" />
      </button>
      {isOpen && <div className="menu-items">{children(close)}</div>}
    </div>
  );
}
