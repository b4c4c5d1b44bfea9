// Pages that are loaded when somebody opens them.

import { lazy } from "react";

export const DevicesPage = lazy(async () => ({ default: (await import("./pages/devices-page.tsx")).DevicesPage }));
export const DevicePage = lazy(async () => ({ default: (await import("./pages/device-page.tsx")).DevicePage }));
export const RolloutsPage = lazy(async () => ({ default: (await import("./pages/rollouts-page.tsx")).RolloutsPage }));
export const TrustPage = lazy(async () => ({ default: (await import("./pages/trust-page.tsx")).TrustPage }));
export const AccountPage = lazy(async () => ({ default: (await import("./pages/account-page.tsx")).AccountPage }));
export const SettingsPage = lazy(async () => ({ default: (await import("./pages/settings-page.tsx")).SettingsPage }));
export const PeoplePage = lazy(async () => ({ default: (await import("./pages/people-page.tsx")).PeoplePage }));
export const SessionsPage = lazy(async () => ({ default: (await import("./pages/sessions-page.tsx")).SessionsPage }));
export const TokensPage = lazy(async () => ({ default: (await import("./pages/tokens-page.tsx")).TokensPage }));
export const SecondPersonPage = lazy(async () => ({
  default: (await import("./pages/second-person-page.tsx")).SecondPersonPage,
}));
export const RecordPage = lazy(async () => ({ default: (await import("./pages/record-page.tsx")).RecordPage }));
export const NotificationsPage = lazy(async () => ({
  default: (await import("./pages/notifications-page.tsx")).NotificationsPage,
}));
export const ReleasesPage = lazy(async () => ({ default: (await import("./pages/releases-page.tsx")).ReleasesPage }));
export const ReleasePage = lazy(async () => ({ default: (await import("./pages/release-page.tsx")).ReleasePage }));
export const NewRolloutPage = lazy(async () => ({
  default: (await import("./pages/new-rollout-page.tsx")).NewRolloutPage,
}));
export const RolloutPage = lazy(async () => ({ default: (await import("./pages/rollout-page.tsx")).RolloutPage }));
