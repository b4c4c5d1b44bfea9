// Pages that are loaded when somebody opens them.

import { loadedLater } from "./loaded-later.tsx";
import { type Route, routeOf } from "./router.ts";

export const DevicesPage = loadedLater(async () => (await import("./pages/devices-page.tsx")).DevicesPage);
export const DevicePage = loadedLater(async () => (await import("./pages/device-page.tsx")).DevicePage);
export const RolloutsPage = loadedLater(async () => (await import("./pages/rollouts-page.tsx")).RolloutsPage);
export const TrustPage = loadedLater(async () => (await import("./pages/trust-page.tsx")).TrustPage);
export const AccountPage = loadedLater(async () => (await import("./pages/account-page.tsx")).AccountPage);
export const SettingsPage = loadedLater(async () => (await import("./pages/settings-page.tsx")).SettingsPage);
export const WordsPage = loadedLater(async () => (await import("./pages/words-page.tsx")).WordsPage);
export const PeoplePage = loadedLater(async () => (await import("./pages/people-page.tsx")).PeoplePage);
export const SessionsPage = loadedLater(async () => (await import("./pages/sessions-page.tsx")).SessionsPage);
export const TokensPage = loadedLater(async () => (await import("./pages/tokens-page.tsx")).TokensPage);
export const SecondPersonPage = loadedLater(
  async () => (await import("./pages/second-person-page.tsx")).SecondPersonPage,
);
export const RecordPage = loadedLater(async () => (await import("./pages/record-page.tsx")).RecordPage);
export const NotificationsPage = loadedLater(
  async () => (await import("./pages/notifications-page.tsx")).NotificationsPage,
);
export const ReleasesPage = loadedLater(async () => (await import("./pages/releases-page.tsx")).ReleasesPage);
export const ReleasePage = loadedLater(async () => (await import("./pages/release-page.tsx")).ReleasePage);
export const NewRolloutPage = loadedLater(async () => (await import("./pages/new-rollout-page.tsx")).NewRolloutPage);
export const RolloutPage = loadedLater(async () => (await import("./pages/rollout-page.tsx")).RolloutPage);

const pages: Partial<Record<Route["page"], { preload(): void }>> = {
  devices: DevicesPage,
  device: DevicePage,
  releases: ReleasesPage,
  release: ReleasePage,
  rollouts: RolloutsPage,
  "new-rollout": NewRolloutPage,
  rollout: RolloutPage,
  trust: TrustPage,
  account: AccountPage,
  settings: SettingsPage,
  words: WordsPage,
  people: PeoplePage,
  sessions: SessionsPage,
  tokens: TokensPage,
  "second-person": SecondPersonPage,
  record: RecordPage,
  notifications: NotificationsPage,
};

/** The script of the page that the address names, while it is asked who is signed in. */
export const preloadPageOf = (address: string): void => pages[routeOf(address).page]?.preload();
