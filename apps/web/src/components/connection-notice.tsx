import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { useConnection, useFleet } from "../live/hooks.ts";
import { Icon } from "./icon.tsx";

/** Says that what is on the page may be out of date, for as long as it may be. */
export function ConnectionNotice(): ReactNode {
  const fleet = useFleet();
  const lost = useConnection() === "lost";
  // The region is always there: a live region that comes together with its text is not announced everywhere.
  return (
    <div className="connection-notice" role="status" aria-live="polite">
      {lost && (
        <div className="notice tone-warn">
          <Icon name="alert" />
          <div className="notice-body">
            <p>
              <Trans>
                <strong>Connection lost, retrying.</strong> What you see may be out of date; it will catch up by itself.
              </Trans>
            </p>
          </div>
          <button type="button" className="button small" onClick={() => fleet.retryConnection()}>
            <Trans>Retry now</Trans>
          </button>
        </div>
      )}
    </div>
  );
}
