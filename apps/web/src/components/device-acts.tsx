// What ends something for a device, in a menu, so that nobody presses it by mistake; each asks for the device's id.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useState } from "react";
import type { DeviceDetail } from "@flipside/api/types";
import { deleteDevice, revokeDevice, unrevokeDevice } from "../api/devices.ts";
import { navigate } from "../router.ts";
import { ActButton } from "./act.tsx";
import { DeleteDialog } from "./archiving.tsx";
import { ConfirmDialog, FormDialog } from "./dialog.tsx";
import { Icon } from "./icon.tsx";
import { Menu } from "./menu.tsx";
import { useTypedName } from "./typed-name.tsx";

const dayMs = 86_400_000;
/** As the server asks of one that is deleted without being revoked. */
const isLongSilent = ({ lastSeenAt, enrolledAt }: DeviceDetail): boolean =>
  Date.now() - Date.parse(lastSeenAt ?? enrolledAt) >= 30 * dayMs;

type Act = "revoke" | "unrevoke" | "delete";

export function DeviceActs({ device, onDone }: { device: DeviceDetail; onDone: () => Promise<void> }): ReactNode {
  const [asking, setAsking] = useState<Act>();
  const { id, revoked } = device;
  const close = (): void => setAsking(undefined);
  const mayDelete = revoked || isLongSilent(device);
  return (
    <>
      <Menu label={t`More`}>
        {(closeMenu) => {
          const ask = (act: Act) => () => {
            closeMenu();
            setAsking(act);
          };
          return (
            <>
              {revoked ? (
                <ActButton needs="devices:revoke" className="menu-item" onClick={ask("unrevoke")}>
                  <Icon name="back" /> <Trans>Take the revocation back…</Trans>
                </ActButton>
              ) : (
                <ActButton needs="devices:revoke" className="menu-item danger" onClick={ask("revoke")}>
                  <Icon name="ban" /> <Trans>Revoke…</Trans>
                </ActButton>
              )}
              {mayDelete && (
                <ActButton needs="devices:write" className="menu-item danger" onClick={ask("delete")}>
                  <Icon name="cross" /> <Trans>Delete…</Trans>
                </ActButton>
              )}
              {!mayDelete && (
                <p className="menu-item muted">
                  <Trans>It can be deleted once it is revoked, or was silent for 30 days.</Trans>
                </p>
              )}
            </>
          );
        }}
      </Menu>
      {asking === "delete" && <Delete id={id} onClose={close} />}
      {asking === "revoke" && <Revoke id={id} onDone={onDone} onClose={close} />}
      {asking === "unrevoke" && (
        <ConfirmDialog
          title={t`Take back that ${id} is revoked?`}
          confirm={t`Serve it again`}
          action={async () => {
            await unrevokeDevice(id);
            await onDone();
          }}
          onClose={close}
        >
          <p>
            <Trans>
              The device comes in again by the secret that it has. Deployments that ended when it was revoked stay
              ended.
            </Trans>
          </p>
        </ConfirmDialog>
      )}
    </>
  );
}

function Delete({ id, onClose }: { id: string; onClose: () => void }): ReactNode {
  return (
    <DeleteDialog
      what="device"
      name={id}
      action={async () => {
        await deleteDevice(id);
        navigate("/devices");
      }}
      onClose={onClose}
    >
      <p>
        <Trans>
          What is known of it goes, with its claim: it comes back as a stranger, when its claim is imported again.
          Rollouts go on counting what it did in them, without its name.
        </Trans>
      </p>
    </DeleteDialog>
  );
}

function Revoke({ id, onDone, onClose }: { id: string; onDone: () => Promise<void>; onClose: () => void }): ReactNode {
  const { isWrong, field } = useTypedName(id);
  return (
    <FormDialog
      title={t`Revoke ${id}?`}
      confirm={t`Revoke device`}
      dangerous
      lead={t`It was not revoked`}
      isWrong={isWrong}
      action={async () => {
        await revokeDevice(id);
        await onDone();
      }}
      onClose={onClose}
      about={
        <p>
          <Trans>
            The server ends the session of <strong>{id}</strong> at once and refuses the device from now on. It gets no
            more updates. What it runs goes on running. Who may revoke may take it back.
          </Trans>
        </p>
      }
      fields={field}
    />
  );
}
