// The stop of all updates: how a person says it, that everybody sees it, and how it is ended.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useState } from "react";
import { emergencyReasonCharactersMax } from "@flipside/api/limits";
import { endEmergencyStop, setEmergencyStop } from "../api/emergency-stop.ts";
import { useFleet, useResource } from "../live/hooks.ts";
import { ConfirmDialog, FormDialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { Icon } from "./icon.tsx";
import { TimeToCome } from "./time-ago.tsx";
import { ActButton } from "./act.tsx";

/** How a person says it. To say it twice does no harm. */
export function StopDialog({ onClose }: { onClose: () => void }): ReactNode {
  const { emergencyStop } = useFleet();
  const [reason, setReason] = useState("");
  const reasonError = reason.trim() === "" ? t`Say why: others see it on every page.` : undefined;
  return (
    <FormDialog
      title={t`Stop all updates?`}
      confirm={t`Stop all updates`}
      dangerous
      lead={t`Updates were not stopped`}
      isWrong={reasonError !== undefined}
      action={async () => emergencyStop.set(await setEmergencyStop(reason.trim()))}
      onClose={onClose}
      about={
        <p>
          <Trans>
            From now on no rollout offers anything to any device. Devices that are still downloading give up; those that
            have installed their image go on to its end. It stays so until somebody ends it.
          </Trans>
        </p>
      }
      fields={(tried) => (
        <Field label={t`Reason`} error={tried ? reasonError : undefined}>
          {(ids) => (
            <input
              {...ids}
              autoComplete="off"
              maxLength={emergencyReasonCharactersMax}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
          )}
        </Field>
      )}
    />
  );
}

/** On every page, for as long as all updates are stopped. */
export function EmergencyStopBanner(): ReactNode {
  const { emergencyStop } = useFleet();
  const { value: stop } = useResource(emergencyStop);
  const by = stop?.by;
  const reason = stop?.reason;
  const [ending, setEnding] = useState(false);
  return (
    <>
      {stop?.stopped && (
        <div className="page-notice">
          <div className="notice emergency-stop tone-bad" role="alert">
            <Icon name="stop" />
            <div className="notice-body">
              <p>
                <strong>
                  <Trans>
                    All updates are stopped since <TimeToCome at={stop.since!} /> by {by}:
                  </Trans>
                </strong>{" "}
                <bdi>{reason}</bdi>
              </p>
            </div>
            <ActButton needs="updates:go-on" className="button small" onClick={() => setEnding(true)}>
              <Trans>End the stop</Trans>
            </ActButton>
          </div>
        </div>
      )}
      {ending && (
        <ConfirmDialog
          title={t`End the stop of all updates?`}
          confirm={t`End the stop`}
          action={async () => emergencyStop.set(await endEmergencyStop())}
          onClose={() => setEnding(false)}
        >
          <p>
            <Trans>
              Rollouts that run go on where they were, and the time that each device may take begins anew. Make sure
              that the reason is no more: <bdi>{reason}</bdi>
            </Trans>
          </p>
        </ConfirmDialog>
      )}
    </>
  );
}
