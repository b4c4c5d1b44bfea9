import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useEffect, useState } from "react";
import { AppHeader } from "./components/app-header.tsx";
import { ConnectionNotice } from "./components/connection-notice.tsx";
import { EmergencyStopBanner } from "./components/emergency-stop.tsx";
import { FaultBoundary } from "./components/fault-boundary.tsx";
import { Link } from "./components/link.tsx";
import { Page } from "./components/page.tsx";
import { ProblemNotice } from "./components/problem-notice.tsx";
import { SessionEnded } from "./components/session-ended.tsx";
import {
  AccountPage,
  DevicePage,
  DevicesPage,
  NewRolloutPage,
  NotificationsPage,
  PeoplePage,
  RecordPage,
  ReleasePage,
  ReleasesPage,
  RolloutPage,
  RolloutsPage,
  SecondPersonPage,
  SessionsPage,
  SettingsPage,
  TokensPage,
  TrustPage,
  WordsPage,
} from "./lazy-pages.tsx";
import { Fleet } from "./live/fleet.ts";
import { FleetContext } from "./live/hooks.ts";
import { OverviewPage } from "./pages/overview-page.tsx";
import { PasswordPage } from "./pages/password-page.tsx";
import { SignInPage } from "./pages/sign-in-page.tsx";
import { type Route, routeOf, useAddress } from "./router.ts";
import { SessionProvider, useSession } from "./session.tsx";
import { useShownZone } from "./shown-zone.ts";

export const App = (): ReactNode => (
  <FaultBoundary>
    <SessionProvider>
      <Gate />
    </SessionProvider>
  </FaultBoundary>
);

const Loading = (): ReactNode => (
  <p className="loading">
    <Trans>Loading…</Trans>
  </p>
);

/** Nothing of the console is loaded before somebody has signed in with a password of their own. */
function Gate(): ReactNode {
  const { state, reload } = useSession();
  switch (state.kind) {
    case "loading":
      return <Loading />;
    case "unknown":
      return (
        <main className="entry">
          <ProblemNotice problem={state.problem} lead={t`Could not find out who is signed in`} onRetry={reload} />
        </main>
      );
    case "signed-out":
      return <SignInPage expired={state.expired} />;
    case "signed-in":
      if (state.user.mustChangePassword) return <PasswordPage forced />;
      return (
        <>
          {/* Somebody else begins anew. */}
          <Console key={state.user.userName} isPaused={state.hasEnded} />
          {state.hasEnded && <SessionEnded />}
        </>
      );
  }
}

/** `isPaused`: nobody is signed in, for the moment. */
function Console({ isPaused }: { isPaused: boolean }): ReactNode {
  const [fleet] = useState(() => new Fleet());
  useEffect(() => fleet.connect(), [fleet]);
  useEffect(() => {
    if (!isPaused) fleet.retryConnection();
  }, [isPaused, fleet]);
  const address = useAddress();
  // Texts with times in them are made anew.
  useShownZone();
  const route = routeOf(address);
  return (
    <FleetContext value={fleet}>
      <a className="skip" href="#main">
        <Trans>Skip to content</Trans>
      </a>
      <AppHeader route={route} />
      <ConnectionNotice />
      <EmergencyStopBanner />
      {/* What else is in the address is a page's own. */}
      <FaultBoundary key={JSON.stringify(route)}>{pageOf(route)}</FaultBoundary>
    </FleetContext>
  );
}

function pageOf(route: Route): ReactNode {
  switch (route.page) {
    case "overview":
      return <OverviewPage />;
    case "devices":
      return <DevicesPage />;
    case "device":
      return <DevicePage id={route.id} />;
    case "releases":
      return <ReleasesPage />;
    case "release":
      return <ReleasePage id={route.id} />;
    case "rollouts":
      return <RolloutsPage />;
    case "new-rollout":
      return <NewRolloutPage releaseId={route.releaseId} cloneOf={route.cloneOf} />;
    case "rollout":
      return <RolloutPage id={route.id} />;
    case "trust":
      return <TrustPage />;
    case "people":
      return <PeoplePage />;
    case "sessions":
      return <SessionsPage />;
    case "tokens":
      return <TokensPage />;
    case "second-person":
      return <SecondPersonPage />;
    case "record":
      return <RecordPage />;
    case "notifications":
      return <NotificationsPage />;
    case "account":
      return <AccountPage />;
    case "settings":
      return <SettingsPage />;
    case "words":
      return <WordsPage />;
    case "password":
      return <PasswordPage />;
    case "not-found":
      return (
        <Page title={t`There is no such page`}>
          <p>
            <Trans>
              The address may be mistyped. Go to <Link href="/devices">Devices</Link>,{" "}
              <Link href="/releases">Releases</Link> or <Link href="/rollouts">Rollouts</Link>.
            </Trans>
          </p>
        </Page>
      );
  }
}
