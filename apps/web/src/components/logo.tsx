import type { ReactNode } from "react";

/** Two halves, one of them filled: a device's slots. */
export const Logo = (): ReactNode => (
  <svg className="logo" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path className="logo-idle" d="M11 3.8H6.500a2.7 2.7 0 0 0-2.7 2.700v11a2.7 2.7 0 0 0 2.7 2.700H11" />
    <path className="logo-runs" d="M13 3h4.500A3.5 3.5 0 0 1 21 6.500v11a3.5 3.5 0 0 1-3.5 3.500H13z" />
  </svg>
);
