// Pages that most people never open: each is loaded when somebody does.

import { lazy } from "react";

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
