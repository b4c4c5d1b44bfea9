import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import { AccessNav } from "../components/access-nav.tsx";
import { Page } from "../components/page.tsx";
import { SessionsPanel } from "../components/sessions-panel.tsx";

export const SessionsPage = (): ReactNode => (
  <Page
    title={t`Sessions`}
    summary={t`Who is signed in, from where. One that is ended takes effect with the next request.`}
  >
    <AccessNav current="/access/sessions" />
    <SessionsPanel whose="all" />
  </Page>
);
