import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { AccessNav } from "../components/access-nav.tsx";
import { Link } from "../components/link.tsx";
import { Page } from "../components/page.tsx";
import { TokensPanel } from "../components/tokens-panel.tsx";

export const TokensPage = (): ReactNode => (
  <Page
    title={t`Tokens`}
    summary={
      <Trans>
        By which programs come in, of all accounts. Everybody makes their own under{" "}
        <Link href="/account">My account</Link>.
      </Trans>
    }
  >
    <AccessNav current="/access/tokens" />
    <TokensPanel whose="all" />
  </Page>
);
