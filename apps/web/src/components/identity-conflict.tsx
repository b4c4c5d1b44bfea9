import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useState } from "react";
import type { Device } from "@flipside/api/types";
import { clearConflict } from "../api/devices.ts";
import { ConfirmDialog } from "./dialog.tsx";
import { Icon } from "./icon.tsx";
import { TimeAgo } from "./time-ago.tsx";

/** Two boards are the device: what that means, since when, and what to do. */
export function IdentityConflict({ device, onCleared }: { device: Device; onCleared: () => Promise<void> }): ReactNode {
  const [clearing, setClearing] = useState(false);
  const { id, identityConflict } = device;
  if (identityConflict === null) return null;
  return (
    <div className="notice tone-bad" role="status">
      <Icon name="alert" />
      <div className="notice-body">
        <p className="notice-title">{t`Two boards say that they are this device`}</p>
        <p>
          <Trans>
            They have one identity, and each connection ends the other’s: since <TimeAgo at={identityConflict.since} />,
            noticed last <TimeAgo at={identityConflict.lastAt} />. No update is offered meanwhile, and what is shown
            here is what either of them said last.
          </Trans>
        </p>
        <p>
          <Trans>
            <strong>What to do:</strong> switch the copy off and clear the conflict; or replace the board, so that both
            are nobody and a third one is the device; or revoke the device.
          </Trans>
        </p>
        <button type="button" className="button small" onClick={() => setClearing(true)}>
          {t`Clear the conflict`}
        </button>
      </div>
      {clearing && (
        <ConfirmDialog
          title={t`Is one board ${id} again?`}
          confirm={t`Clear the conflict`}
          action={async () => {
            await clearConflict(id);
            await onCleared();
          }}
          onClose={() => setClearing(false)}
        >
          <p>
            <Trans>
              The device gets updates again, whichever board connects. Should both go on, that is noticed anew after a
              few of their turns.
            </Trans>
          </p>
          <p>{t`Whoever has the other board can still connect as this device.`}</p>
        </ConfirmDialog>
      )}
    </div>
  );
}
