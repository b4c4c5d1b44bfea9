// Buttons and links for what not every role may do. Who may not sees them all the same, and why they do nothing: what a
// product can do, and whom to ask for it, is no secret.

import { t } from "@lingui/core/macro";
import { type ButtonHTMLAttributes, type ReactNode, useId } from "react";
import { type Permission, rolesThatMay } from "@flipside/api/permissions";
import type { User } from "@flipside/api/types";
import { i18n } from "../language/i18n.ts";
import { useUser } from "../session.tsx";
import { permissionWords } from "../words/permission-words.ts";
import { Link } from "./link.tsx";

/** Undefined: the person who is signed in may do it. */
export const useRefusal = (needs: Permission): string | undefined => refusalFor(useUser(), needs);

/** Undefined: this one may do it. */
export function refusalFor({ may, role }: Pick<User, "may" | "role">, needs: Permission): string | undefined {
  if (may.includes(needs)) return undefined;
  const others = new Intl.ListFormat(i18n.locale, { type: "disjunction" }).format(rolesThatMay(needs));
  const what = permissionWords[needs];
  return t`The role ${role} can’t ${what}. Ask somebody who is ${others}.`;
}

interface Refusable {
  needs: Permission;
  className: string;
  children: ReactNode;
}

/** It can be reached by keyboard and is read out with its reason, which a disabled button is not. */
export function Refused({
  why,
  className,
  label,
  children,
}: Omit<Refusable, "needs"> & { why: string; label?: string | undefined }): ReactNode {
  const id = useId();
  return (
    <span className="refused">
      <button type="button" className={className} aria-label={label} aria-disabled="true" aria-describedby={id}>
        {children}
      </button>
      <span className="refused-why" role="tooltip" id={id}>
        {why}
      </span>
    </span>
  );
}

export function ActButton({
  needs,
  className,
  children,
  ...button
}: Refusable & ButtonHTMLAttributes<HTMLButtonElement>): ReactNode {
  const why = useRefusal(needs);
  if (why !== undefined) return <Refused {...{ why, className, children }} label={button["aria-label"]} />;
  return (
    <button type="button" {...button} className={className}>
      {children}
    </button>
  );
}

export function ActLink({
  needs,
  href,
  label,
  className,
  children,
}: Refusable & { href: string; label?: string }): ReactNode {
  const why = useRefusal(needs);
  if (why !== undefined) return <Refused {...{ why, className, label, children }} />;
  return (
    <Link className={className} href={href} aria-label={label}>
      {children}
    </Link>
  );
}
