// The stop of all updates: how a person says it, that everybody sees it, and how it is ended.

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
  const reasonError = reason.trim() === "" ? "Say why: others see it on every page." : undefined;
  return (
    <FormDialog
      title="Stop all updates?"
      confirm="Stop all updates"
      dangerous
      lead="Updates were not stopped"
      isWrong={reasonError !== undefined}
      action={async () => emergencyStop.set(await setEmergencyStop(reason.trim()))}
      onClose={onClose}
      about={
        <p>
          From now on no rollout offers anything to any device. Devices that are still downloading give up; those that
          have installed their image go on to its end. It stays so until somebody ends it.
        </p>
      }
      fields={(tried) => (
        <Field label="Reason" error={tried ? reasonError : undefined}>
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
                  All updates are stopped since <TimeToCome at={stop.since!} /> by {stop.by}:
                </strong>{" "}
                <bdi>{stop.reason}</bdi>
              </p>
            </div>
            <ActButton needs="updates:go-on" className="button small" onClick={() => setEnding(true)}>
              End the stop
            </ActButton>
          </div>
        </div>
      )}
      {ending && (
        <ConfirmDialog
          title="End the stop of all updates?"
          confirm="End the stop"
          action={async () => emergencyStop.set(await endEmergencyStop())}
          onClose={() => setEnding(false)}
        >
          <p>
            Rollouts that run go on where they were, and the time that each device may take begins anew. Make sure that
            the reason is no more: <bdi>{stop?.reason}</bdi>
          </p>
        </ConfirmDialog>
      )}
    </>
  );
}
