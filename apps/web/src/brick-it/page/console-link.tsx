import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";

/** Into the console, in another tab: what runs in this one ends where it is left. */
export const ConsoleLink = ({ href, children }: { href: string; children: ReactNode }): ReactNode => (
  <a href={href} target="_blank" rel="noopener">
    {children} <span className="visually-hidden">{t`(in another tab)`}</span>
  </a>
);
