// What is done to many devices, each asked for in a dialog that says to how many.

import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useState } from "react";
import { retriedStates } from "@flipside/api/rollout-transitions";
import type { NewCommand, RolloutSummary } from "@flipside/api/types";
import { type Commanded, commandDevices, type DeviceTarget, tagDevices, type Tagged } from "../api/devices.ts";
import { retryDevices } from "../api/rollouts.ts";
import { useFleet } from "../live/hooks.ts";
import { count } from "../words/quantities.ts";
import { FormDialog } from "./dialog.tsx";
import { ExactInput } from "./exact-input.tsx";
import { Field } from "./field.tsx";
import { Loaded } from "./loaded.tsx";
import { tagsIn, tagsProblem } from "./tags-field.tsx";

export interface BulkProps {
  target: DeviceTarget;
  /** Undefined: they are still being counted. */
  devices: number | undefined;
  /** What was done, to be told. */
  onDone: (done: string) => void;
  onClose: () => void;
}

function Sofar({ done }: { done: number | undefined }): ReactNode {
  const sofar = count(done ?? 0);
  return (
    <p className="muted" role="status">
      {done !== undefined && t`${sofar} done so far…`}
    </p>
  );
}

/** The number is typed before many devices stop what they do. */
const numberProblem = (typed: string, devices: number | undefined): string | undefined =>
  devices === undefined
    ? t`Wait until they are counted.`
    : typed.replace(/\D/g, "") === String(devices)
      ? undefined
      : t`Type ${devices} to say that all of them are meant.`;

function taggedWords({ changed, unchanged, leftOut }: Tagged): string {
  const same = count(unchanged);
  return t`Tags changed on ${plural(changed, { one: "# device", other: "# devices" })}; ${same} had them so.${plural(
    leftOut,
    {
      0: "",
      one: " # device would have had too many tags.",
      other: " # devices would have had too many tags.",
    },
  )}`;
}

export function TagDialog({ target, devices, onDone, onClose }: BulkProps): ReactNode {
  const [add, setAdd] = useState("");
  const [remove, setRemove] = useState("");
  const [sofar, setSofar] = useState<number>();
  const words =
    devices === undefined ? t`Tag all that match` : t`Tag ${plural(devices, { one: "# device", other: "# devices" })}`;
  const both = tagsIn(add).find((tag) => tagsIn(remove).includes(tag));
  const none = tagsIn(add).length + tagsIn(remove).length === 0 ? t`Write a tag to give or to take.` : undefined;
  const addProblem = tagsProblem(add) ?? none;
  const removeProblem = tagsProblem(remove) ?? (both && t`“${both}” is given as well.`);
  return (
    <FormDialog
      title={words}
      confirm={words}
      lead={t`Not all were tagged`}
      isWrong={addProblem !== undefined || removeProblem !== undefined}
      action={async () => {
        const change = { add: tagsIn(add), remove: tagsIn(remove) };
        const done = await tagDevices(target, change, (now) => setSofar(now.changed + now.unchanged + now.leftOut));
        onDone(taggedWords(done));
      }}
      onClose={onClose}
      about={
        <p>
          <Trans>Their other tags stay. Filters and open rollouts go by the new ones at once.</Trans>
        </p>
      }
      fields={(tried) => (
        <>
          <Field label={t`Give`} hint={t`Such as canary, or site:berlin`} error={tried ? addProblem : undefined}>
            {(ids) => <ExactInput {...ids} value={add} onChange={setAdd} />}
          </Field>
          <Field label={t`Take`} error={tried ? removeProblem : undefined}>
            {(ids) => <ExactInput {...ids} value={remove} onChange={setRemove} />}
          </Field>
          <Sofar done={sofar} />
        </>
      )}
    />
  );
}

const commands = {
  identify: { label: t`Identify: show which ones they are, for 30 s`, stops: false },
  "collect-logs": { label: t`Collect logs`, stops: false },
  reboot: { label: t`Reboot`, stops: true },
  "roll-back": { label: t`Roll back to the confirmed image in the other slot`, stops: true },
} as const;

type Kind = keyof typeof commands;

function commandedWords({ given, full, leftOut }: Commanded): string {
  return t`Commanded ${plural(given, { one: "# device", other: "# devices" })}.${plural(leftOut, {
    0: "",
    other: " # take none.",
  })}${plural(full, { 0: "", other: " For # too many wait already." })}`;
}

export function CommandManyDialog({ target, devices, onDone, onClose }: BulkProps): ReactNode {
  const [kind, setKind] = useState<Kind>("identify");
  const [typed, setTyped] = useState("");
  const [sofar, setSofar] = useState<number>();
  const words =
    devices === undefined
      ? t`Command all that match`
      : t`Command ${plural(devices, { one: "# device", other: "# devices" })}`;
  const { stops } = commands[kind];
  const problem = stops ? numberProblem(typed, devices) : undefined;
  const command: NewCommand = { kind };
  return (
    <FormDialog
      title={words}
      confirm={words}
      dangerous={stops}
      lead={t`Not all were commanded`}
      isWrong={problem !== undefined}
      action={async () => {
        const done = await commandDevices(target, command, (now) => setSofar(now.given + now.full + now.leftOut));
        onDone(commandedWords(done));
      }}
      onClose={onClose}
      about={
        <p>
          <Trans>
            Each gets it at once, or when it is back within 10 minutes. Devices that are revoked or have another agent
            are left out.
          </Trans>
        </p>
      }
      fields={(tried) => (
        <>
          <Field label={t`Command`}>
            {(ids) => (
              <select {...ids} value={kind} onChange={(event) => setKind(event.target.value as Kind)}>
                {(Object.keys(commands) as Kind[]).map((each) => (
                  <option key={each} value={each}>
                    {commands[each].label}
                  </option>
                ))}
              </select>
            )}
          </Field>
          {stops && (
            <Field
              label={devices === undefined ? t`Type how many they are` : t`Type “${devices}”`}
              error={tried ? problem : undefined}
            >
              {(ids) => (
                <input
                  {...ids}
                  inputMode="numeric"
                  autoComplete="off"
                  value={typed}
                  onChange={(event) => setTyped(event.target.value)}
                />
              )}
            </Field>
          )}
          <Sofar done={sofar} />
        </>
      )}
    />
  );
}

/** Open ones in which some did not succeed. */
const mayRetry = ({ state, counts }: RolloutSummary): boolean =>
  (state === "running" || state === "paused") && retriedStates.some((each) => counts[each] > 0);

export function RetryDialog({ target, ...props }: BulkProps): ReactNode {
  return (
    <Loaded resource={useFleet().rollouts} what={t`the rollouts`}>
      {(rollouts) => (
        <RetryIn
          {...props}
          deviceIds={"deviceIds" in target ? target.deviceIds : []}
          rollouts={[...rollouts.values()].filter(mayRetry)}
        />
      )}
    </Loaded>
  );
}

function RetryIn({
  deviceIds,
  rollouts,
  onDone,
  onClose,
}: Omit<BulkProps, "target" | "devices"> & { deviceIds: string[]; rollouts: RolloutSummary[] }): ReactNode {
  const [chosen, setChosen] = useState(rollouts[0]?.id ?? "");
  const devices = deviceIds.length;
  const error = chosen === "" ? t`No open rollout has deployments that did not succeed.` : undefined;
  return (
    <FormDialog
      title={t`Retry ${plural(devices, { one: "# device", other: "# devices" })}`}
      confirm={t`Retry`}
      lead={t`Nothing was retried`}
      isWrong={error !== undefined}
      action={async () => {
        await retryDevices(chosen, deviceIds);
        onDone(
          t`Those of ${plural(devices, { one: "# device", other: "# devices" })} that did not succeed are tried again.`,
        );
      }}
      onClose={onClose}
      about={
        <p>
          <Trans>Those whose deployment in this rollout did not succeed are offered its image once more.</Trans>
        </p>
      }
      fields={(tried) => (
        <Field label={t`Rollout`} error={tried ? error : undefined}>
          {(ids) => (
            <select {...ids} value={chosen} onChange={(event) => setChosen(event.target.value)}>
              {rollouts.length === 0 && (
                <option value="">
                  <Trans>none</Trans>
                </option>
              )}
              {rollouts.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
    />
  );
}
