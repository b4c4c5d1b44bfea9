import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import { asProblem } from "../api/problem.ts";
import { useConnection } from "../live/hooks.ts";
import type { Route } from "../router.ts";
import { useSession, useUser } from "../session.tsx";
import { showTimesIn, useShownZone } from "../shown-zone.ts";
import { ownTimeZone } from "../words/quantities.ts";
import { accessHome } from "./access-nav.tsx";
import { Link } from "./link.tsx";
import { Logo } from "./logo.tsx";
import { ProblemNotice } from "./problem-notice.tsx";
import { QuickActions } from "./quick-actions.tsx";

const sections = [
  { label: t`Overview`, href: "/", pages: ["overview"] },
  { label: t`Devices`, href: "/devices", pages: ["devices", "device"] },
  { label: t`Releases`, href: "/releases", pages: ["releases", "release"] },
  { label: t`Rollouts`, href: "/rollouts", pages: ["rollouts", "rollout", "new-rollout"] },
  { label: t`Trust`, href: "/trust", pages: ["trust"] },
] as const;

const accessPages = ["people", "sessions", "tokens", "second-person", "record", "notifications", "settings"];

interface Section {
  label: string;
  href: string;
  pages: readonly string[];
}

const connectionLabels = { connecting: t`Connecting`, live: t`Live`, lost: t`Offline` } as const;

/** Times in the reader's zone, or in UTC. */
function ZoneSwitch(): ReactNode {
  const isUtc = useShownZone() === "utc";
  const zone = ownTimeZone();
  return (
    <button
      type="button"
      className="button small quiet zone-switch"
      aria-pressed={isUtc}
      aria-label={t`Show times in UTC`}
      title={isUtc ? t`Times are in UTC` : t`Times are in ${zone}`}
      onClick={() => showTimesIn(isUtc ? "local" : "utc")}
    >
      UTC
    </button>
  );
}

export function AppHeader({ route }: { route: Route }): ReactNode {
  const { leave } = useSession();
  const { userName, may } = useUser();
  const all: readonly Section[] = [...sections, { label: t`Access`, href: accessHome(may), pages: accessPages }];
  const connection = useConnection();
  const [problem, setProblem] = useState<ProblemError>();
  const signOut = (): void => {
    setProblem(undefined);
    leave().catch((thrown: unknown) => setProblem(asProblem(thrown)));
  };
  return (
    <>
      <header className="app-header">
        <div className="app-header-row">
          <Link className="brand" href="/" aria-label={t`Flipside, to the overview`}>
            <Logo />
            <span>Flipside</span>
          </Link>
          <nav aria-label={t`Main`}>
            <ul role="list">
              {all.map(({ label, href, pages }) => (
                <li key={href}>
                  <Link href={href} {...(pages.includes(route.page) ? { "aria-current": "page" as const } : {})}>
                    {label}
                  </Link>
                </li>
              ))}
            </ul>
          </nav>
          <QuickActions onSignOut={signOut} />
          <div className="app-header-end">
            <span className={`connection is-${connection}`} title={t`Whether changes appear here by themselves`}>
              <span className="connection-dot" aria-hidden="true" />
              {connectionLabels[connection]}
            </span>
            <a
              className="brick-link"
              href="/brick-it/?console"
              aria-label={t`Try to brick it`}
              title={t`Try to brick it: a device in this tab, to pull the power of`}
            >
              <Trans>Brick it</Trans>
            </a>
            <ZoneSwitch />
            <Link className="user" href="/account" title={t`My account`}>
              {userName}
            </Link>
            <button type="button" className="button small quiet" onClick={signOut}>
              <Trans>Sign out</Trans>
            </button>
          </div>
        </div>
      </header>
      {problem && (
        <div className="page-notice">
          <ProblemNotice problem={problem} lead={t`You are still signed in`} />
        </div>
      )}
    </>
  );
}
