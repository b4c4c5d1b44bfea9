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
        <p className="notice-title">Two boards say that they are this device</p>
        <p>
          They have one identity, and each connection ends the other’s: since <TimeAgo at={identityConflict.since} />,
          noticed last <TimeAgo at={identityConflict.lastAt} />. No update is offered meanwhile, and what is shown here
          is what either of them said last.
        </p>
        <p>
          <strong>What to do:</strong> switch the copy off and clear the conflict; or replace the board, so that both
          are nobody and a third one is the device; or revoke the device.
        </p>
        <button type="button" className="button small" onClick={() => setClearing(true)}>
          Clear the conflict
        </button>
      </div>
      {clearing && (
        <ConfirmDialog
          title={`Is one board ${id} again?`}
          confirm="Clear the conflict"
          action={async () => {
            await clearConflict(id);
            await onCleared();
          }}
          onClose={() => setClearing(false)}
        >
          <p>
            The device gets updates again, whichever board connects. Should both go on, that is noticed anew after a few
            of their turns.
          </p>
          <p>Whoever has the other board can still connect as this device.</p>
        </ConfirmDialog>
      )}
    </div>
  );
}
