// What a person may say to a rollout now: a button for each word, and what it asks before it acts.

import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useState } from "react";
import { mayAct, possibleActions, retriedStates, type RolloutAction } from "@flipside/api/rollout-transitions";
import type { Permission } from "@flipside/api/permissions";
import type { Rollout } from "@flipside/api/types";
import {
  actOnRollout,
  archiveRollout,
  deleteRollout,
  retryDevices,
  rollBackRollout,
  unarchiveRollout,
} from "../api/rollouts.ts";
import { actionEffects, rolledBack } from "../words/action-effects.ts";
import type { IconName } from "../words/state-words.ts";
import { navigate } from "../router.ts";
import { ActButton } from "./act.tsx";
import { ArchivingButtons } from "./archiving.tsx";
import { ConfirmDialog, FormDialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { Icon } from "./icon.tsx";
import { Effects } from "./rollout-effects.tsx";
import { ResizeWavesDialog } from "./resize-waves-dialog.tsx";
import { ChangeRulesDialog } from "./rules-dialog.tsx";

interface ActionWords {
  label: string;
  icon: IconName;
  title: string;
  confirm: string;
  explains: string;
  dangerous?: boolean;
}

const actionWords: Record<RolloutAction, ActionWords> = {
  pause: {
    label: t`Pause`,
    icon: "pause",
    title: t`Pause this rollout?`,
    confirm: t`Pause rollout`,
    explains: t`No further device starts. Updates that devices have already begun go on to their end. You can resume at any time.`,
  },
  resume: {
    label: t`Resume`,
    icon: "play",
    title: t`Resume this rollout?`,
    confirm: t`Resume rollout`,
    explains: t`The present wave goes on with the devices that still wait, and later waves follow. What has failed in it so far counts as accepted: make sure that you know why it failed.`,
  },
  approve: {
    label: t`Approve next wave`,
    icon: "check",
    title: t`Approve the next wave?`,
    confirm: t`Approve wave`,
    explains: t`The next wave may start. Whoever made the rollout cannot approve it: somebody else has to.`,
  },
  "start-next-wave": {
    label: t`Start next wave`,
    icon: "play",
    title: t`Start the next wave now?`,
    confirm: t`Start wave`,
    explains: t`Its devices are offered the image at once, whatever the present wave has come to, and before its time. The devices of the present wave go on.`,
  },
  "close-target": {
    label: t`Close target`,
    icon: "stop",
    title: t`Let no further device join?`,
    confirm: t`Close target`,
    explains: t`Devices that come to match from now on get nothing from this rollout. It goes on with those that it has, and ends when they are done.`,
  },
  cancel: {
    label: t`Cancel rollout`,
    icon: "stop",
    title: t`Cancel this rollout?`,
    confirm: t`Cancel for good`,
    explains: t`Devices that wait or download are withdrawn. Those that have installed the image finish by themselves; devices already updated stay on the new version. A cancelled rollout cannot be resumed.`,
    dangerous: true,
  },
  "end-late-offers": {
    label: t`End late offers`,
    icon: "stop",
    title: t`Offer it to nobody any more?`,
    confirm: t`End late offers`,
    explains: t`Devices that were away in their wave are not offered the image when they come back. The rollout stays completed.`,
    dangerous: true,
  },
};

type Asked = RolloutAction | "change-rules" | "resize-waves" | "retry" | "roll-back";

/** All else is of who makes rollouts. */
const neededFor: Partial<Record<Asked, Permission>> = {
  approve: "rollouts:approve",
  "roll-back": "rollouts:roll-back",
};

interface Props {
  rollout: Rollout;
  onChanged: (rollout: Rollout) => void;
}

const unsuccessful = ({ counts }: Rollout): number => retriedStates.reduce((sum, state) => sum + counts[state], 0);

/** Those that a roll-back may be for. */
const updated = ({ counts }: Rollout): number =>
  counts.confirmed + counts.installed + counts.rebooting + counts.testing;

const isOver = ({ state }: Rollout): boolean => state !== "running" && state !== "paused";

const RolloutArchiving = ({ rollout: { id, name, archivedAt }, onChanged }: Props): ReactNode => (
  <ArchivingButtons
    what="rollout"
    needs="rollouts:write"
    name={name}
    isArchived={archivedAt !== null}
    archiving={t`It is out of lists, and can’t be tried again or rolled back any more. No device may still be about to take its image.`}
    deleting={t`What became of each of its devices goes, with all decisions. What devices run stays as it is; an image that one has rolled back may be offered to it again.`}
    onArchive={async () => onChanged(await archiveRollout(id))}
    onUnarchive={async () => onChanged(await unarchiveRollout(id))}
    onDelete={async () => {
      await deleteRollout(id);
      navigate("/rollouts");
    }}
  />
);

/** To one that is archived nothing else can be said. */
export function RolloutActions({ rollout, onChanged }: Props): ReactNode {
  return (
    <>
      {rollout.archivedAt === null && <RolloutWords rollout={rollout} onChanged={onChanged} />}
      {isOver(rollout) && <RolloutArchiving rollout={rollout} onChanged={onChanged} />}
    </>
  );
}

function RolloutWords({ rollout, onChanged }: Props): ReactNode {
  const [asking, setAsking] = useState<Asked>();
  const close = (): void => setAsking(undefined);
  const mayRetry = mayAct(rollout.state, "retry") && unsuccessful(rollout) > 0;
  const mayResize = mayAct(rollout.state, "resize-waves") && rollout.currentWave < rollout.waves.length - 1;
  const mayRollBack = mayAct(rollout.state, "roll-back") && updated(rollout) > 0;
  const button = (action: Asked, label: string, icon: IconName, dangerous = false): ReactNode => (
    <ActButton
      key={action}
      needs={neededFor[action] ?? "rollouts:write"}
      className={`button ${dangerous ? "danger-outline" : ""}`}
      onClick={() => setAsking(action)}
    >
      <Icon name={icon} /> {label}
    </ActButton>
  );
  const words = possibleActions(rollout);
  const simple = (dangerous: boolean): ReactNode =>
    words
      .filter((word) => (actionWords[word].dangerous ?? false) === dangerous)
      .map((word) => button(word, actionWords[word].label, actionWords[word].icon, dangerous));
  return (
    <>
      {simple(false)}
      {mayAct(rollout.state, "change-rules") && button("change-rules", t`Change rules`, "scan")}
      {mayResize && button("resize-waves", t`Resize waves`, "scan")}
      {mayRetry && button("retry", t`Retry failed`, "restart")}
      {simple(true)}
      {mayRollBack && button("roll-back", t`Roll back`, "back", true)}
      {asking === "change-rules" && <ChangeRulesDialog rollout={rollout} onChanged={onChanged} onClose={close} />}
      {asking === "resize-waves" && <ResizeWavesDialog rollout={rollout} onChanged={onChanged} onClose={close} />}
      {asking === "retry" && <RetryDialog rollout={rollout} onChanged={onChanged} onClose={close} />}
      {asking === "roll-back" && <RollBackDialog rollout={rollout} onChanged={onChanged} onClose={close} />}
      {asking !== undefined && asking in actionWords && (
        <ConfirmDialog
          {...actionWords[asking as RolloutAction]}
          action={async () => onChanged(await actOnRollout(rollout.id, asking as RolloutAction))}
          onClose={close}
        >
          <p>{actionWords[asking as RolloutAction].explains}</p>
          <Effects parts={actionEffects(asking as RolloutAction, rollout)} />
        </ConfirmDialog>
      )}
    </>
  );
}

interface DialogProps extends Props {
  onClose: () => void;
}

const retryText = (devices: number): string =>
  t`The image is offered once more to ${plural(devices, { one: "# device", other: "# devices" })}, also to those that rolled it back. The rollout goes on until they have ended.`;

const RetryDialog = ({ rollout, onChanged, onClose }: DialogProps): ReactNode => (
  <ConfirmDialog
    title={t`Try again where it did not succeed?`}
    confirm={t`Retry`}
    action={async () => onChanged(await retryDevices(rollout.id))}
    onClose={onClose}
  >
    <p>{retryText(unsuccessful(rollout))}</p>
  </ConfirmDialog>
);

const ofWaveText = (number: number): string => t`Those of wave ${number}`;

function RollBackDialog({ rollout, onChanged, onClose }: DialogProps): ReactNode {
  const [scope, setScope] = useState("all");
  const begun = rollout.waves.slice(0, rollout.currentWave + 1);
  const outcome = rolledBack(rollout, scope === "all" ? undefined : Number(scope));
  return (
    <FormDialog
      title={t`Roll back?`}
      confirm={t`Roll back`}
      dangerous
      lead={t`It was not rolled back`}
      isWrong={false}
      action={async () => onChanged(await rollBackRollout(rollout.id, scope === "all" ? undefined : Number(scope)))}
      onClose={onClose}
      about={
        <p>
          <Trans>
            This rollout ends. Devices that run its image go back to what each came from, by an urgent rollout for each
            earlier release. Its decisions say who cannot go back, and why.
          </Trans>
        </p>
      }
      fields={() => (
        <Field label={t`Who goes back`} hint={t`As things stand: ${outcome}.`}>
          {(ids) => (
            <select {...ids} value={scope} onChange={(event) => setScope(event.target.value)}>
              <option value="all">{t`All devices that were updated`}</option>
              {begun.map(({ index }) => (
                <option key={index} value={index}>
                  {ofWaveText(index + 1)}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
    />
  );
}
