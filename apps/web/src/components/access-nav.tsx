import { t } from "@lingui/core/macro";
import type { Permission } from "@flipside/api/permissions";
import type { ReactNode } from "react";
import { useUser } from "../session.tsx";
import { Link } from "./link.tsx";

export const accessPages: readonly { label: string; href: string; takes: Permission }[] = [
  { label: t`People`, href: "/access", takes: "accounts:manage" },
  { label: t`Sessions`, href: "/access/sessions", takes: "accounts:manage" },
  { label: t`Tokens`, href: "/access/tokens", takes: "accounts:manage" },
  { label: t`Second person`, href: "/access/second-person", takes: "fleet:read" },
  { label: t`Record`, href: "/access/record", takes: "audit:read" },
  { label: t`Notifications`, href: "/access/notifications", takes: "webhooks:manage" },
  { label: t`Settings`, href: "/settings", takes: "fleet:read" },
];

/** The first one that somebody may look at. */
export const accessHome = (may: readonly Permission[]): string =>
  accessPages.find(({ takes }) => may.includes(takes))!.href;

/** Between the pages about people, programs, and who is told. What somebody may not look at is left out. */
export function AccessNav({ current }: { current: string }): ReactNode {
  const { may } = useUser();
  return (
    <nav className="sub-nav" aria-label={t`Access`}>
      <ul role="list">
        {accessPages
          .filter(({ takes }) => may.includes(takes))
          .map(({ label, href }) => (
            <li key={href}>
              <Link href={href} {...(href === current ? { "aria-current": "page" as const } : {})}>
                {label}
              </Link>
            </li>
          ))}
      </ul>
    </nav>
  );
}
