import { type ReactNode, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import { asProblem } from "../api/problem.ts";
import { useConnection } from "../live/hooks.ts";
import type { Route } from "../router.ts";
import { useSession, useUser } from "../session.tsx";
import { showTimesIn, useShownZone } from "../shown-zone.ts";
import { accessHome } from "./access-nav.tsx";
import { Link } from "./link.tsx";
import { Logo } from "./logo.tsx";
import { ProblemNotice } from "./problem-notice.tsx";
import { QuickActions } from "./quick-actions.tsx";

const sections = [
  { label: "Overview", href: "/", pages: ["overview"] },
  { label: "Devices", href: "/devices", pages: ["devices", "device"] },
  { label: "Releases", href: "/releases", pages: ["releases", "release"] },
  { label: "Rollouts", href: "/rollouts", pages: ["rollouts", "rollout", "new-rollout"] },
  { label: "Trust", href: "/trust", pages: ["trust"] },
] as const;

const accessPages = ["people", "sessions", "tokens", "second-person", "record", "notifications", "settings"];

interface Section {
  label: string;
  href: string;
  pages: readonly string[];
}

const connectionLabels = { connecting: "Connecting", live: "Live", lost: "Offline" } as const;

/** Times in the reader's zone, or in UTC. */
function ZoneSwitch(): ReactNode {
  const isUtc = useShownZone() === "utc";
  return (
    <button
      type="button"
      className="button small quiet zone-switch"
      aria-pressed={isUtc}
      aria-label="Show times in UTC"
      title={isUtc ? "Times are in UTC" : `Times are in ${Intl.DateTimeFormat().resolvedOptions().timeZone}`}
      onClick={() => showTimesIn(isUtc ? "local" : "utc")}
    >
      UTC
    </button>
  );
}

export function AppHeader({ route }: { route: Route }): ReactNode {
  const { leave } = useSession();
  const { userName, may } = useUser();
  const all: readonly Section[] = [...sections, { label: "Access", href: accessHome(may), pages: accessPages }];
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
          <Link className="brand" href="/" aria-label="Flipside, to the overview">
            <Logo />
            <span>Flipside</span>
          </Link>
          <nav aria-label="Main">
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
            <span className={`connection is-${connection}`} title="Whether changes appear here by themselves">
              <span className="connection-dot" aria-hidden="true" />
              {connectionLabels[connection]}
            </span>
            <a
              className="brick-link"
              href="/brick-it/?console"
              aria-label="Try to brick it"
              title="Try to brick it: a device in this tab, to pull the power of"
            >
              Brick it
            </a>
            <ZoneSwitch />
            <Link className="user" href="/account" title="My account">
              {userName}
            </Link>
            <button type="button" className="button small quiet" onClick={signOut}>
              Sign out
            </button>
          </div>
        </div>
      </header>
      {problem && (
        <div className="page-notice">
          <ProblemNotice problem={problem} lead="You are still signed in" />
        </div>
      )}
    </>
  );
}
