// What is done to many devices, each asked for in a dialog that says to how many.

import { type ReactNode, useState } from "react";
import { retriedStates } from "@flipside/api/rollout-transitions";
import type { NewCommand, RolloutSummary } from "@flipside/api/types";
import { commandDevices, type DeviceTarget, tagDevices } from "../api/devices.ts";
import { retryDevices } from "../api/rollouts.ts";
import { useFleet } from "../live/hooks.ts";
import { count, plural } from "../words/quantities.ts";
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

const devicesText = (devices: number | undefined): string =>
  devices === undefined ? "all that match" : plural(devices, "device");

const Sofar = ({ done }: { done: number | undefined }): ReactNode => (
  <p className="muted" role="status">
    {done !== undefined && `${count(done)} done so far…`}
  </p>
);

/** The number is typed before many devices stop what they do. */
const numberProblem = (typed: string, devices: number | undefined): string | undefined =>
  devices === undefined
    ? "Wait until they are counted."
    : typed.replace(/\D/g, "") === String(devices)
      ? undefined
      : `Type ${devices} to say that all of them are meant.`;

export function TagDialog({ target, devices, onDone, onClose }: BulkProps): ReactNode {
  const [add, setAdd] = useState("");
  const [remove, setRemove] = useState("");
  const [sofar, setSofar] = useState<number>();
  const both = tagsIn(add).find((tag) => tagsIn(remove).includes(tag));
  const none = tagsIn(add).length + tagsIn(remove).length === 0 ? "Write a tag to give or to take." : undefined;
  const addProblem = tagsProblem(add) ?? none;
  const removeProblem = tagsProblem(remove) ?? (both && `“${both}” is given as well.`);
  return (
    <FormDialog
      title={`Tag ${devicesText(devices)}`}
      confirm={`Tag ${devicesText(devices)}`}
      lead="Not all were tagged"
      isWrong={addProblem !== undefined || removeProblem !== undefined}
      action={async () => {
        const change = { add: tagsIn(add), remove: tagsIn(remove) };
        const done = await tagDevices(target, change, (now) => setSofar(now.changed + now.unchanged + now.leftOut));
        const left = done.leftOut === 0 ? "" : ` ${plural(done.leftOut, "device")} would have had too many tags.`;
        onDone(`Tags changed on ${plural(done.changed, "device")}; ${count(done.unchanged)} had them so.${left}`);
      }}
      onClose={onClose}
      about={<p>Their other tags stay. Filters and open rollouts go by the new ones at once.</p>}
      fields={(tried) => (
        <>
          <Field label="Give" hint="Such as canary, or site:berlin" error={tried ? addProblem : undefined}>
            {(ids) => <ExactInput {...ids} value={add} onChange={setAdd} />}
          </Field>
          <Field label="Take" error={tried ? removeProblem : undefined}>
            {(ids) => <ExactInput {...ids} value={remove} onChange={setRemove} />}
          </Field>
          <Sofar done={sofar} />
        </>
      )}
    />
  );
}

const commands = {
  identify: { label: "Identify: show which ones they are, for 30 s", stops: false },
  "collect-logs": { label: "Collect logs", stops: false },
  reboot: { label: "Reboot", stops: true },
  "roll-back": { label: "Roll back to the confirmed image in the other slot", stops: true },
} as const;

type Kind = keyof typeof commands;

export function CommandManyDialog({ target, devices, onDone, onClose }: BulkProps): ReactNode {
  const [kind, setKind] = useState<Kind>("identify");
  const [typed, setTyped] = useState("");
  const [sofar, setSofar] = useState<number>();
  const { stops } = commands[kind];
  const problem = stops ? numberProblem(typed, devices) : undefined;
  const command: NewCommand = { kind };
  return (
    <FormDialog
      title={`Command ${devicesText(devices)}`}
      confirm={`Command ${devicesText(devices)}`}
      dangerous={stops}
      lead="Not all were commanded"
      isWrong={problem !== undefined}
      action={async () => {
        const done = await commandDevices(target, command, (now) => setSofar(now.given + now.full + now.leftOut));
        const left = done.leftOut === 0 ? "" : ` ${count(done.leftOut)} take none.`;
        const full = done.full === 0 ? "" : ` For ${count(done.full)} too many wait already.`;
        onDone(`Commanded ${plural(done.given, "device")}.${left}${full}`);
      }}
      onClose={onClose}
      about={
        <p>
          Each gets it at once, or when it is back within 10 minutes. Devices that are revoked or have another agent are
          left out.
        </p>
      }
      fields={(tried) => (
        <>
          <Field label="Command">
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
              label={devices === undefined ? "Type how many they are" : `Type “${devices}”`}
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
    <Loaded resource={useFleet().rollouts} what="the rollouts">
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
  const error = chosen === "" ? "No open rollout has deployments that did not succeed." : undefined;
  return (
    <FormDialog
      title={`Retry ${plural(deviceIds.length, "device")}`}
      confirm="Retry"
      lead="Nothing was retried"
      isWrong={error !== undefined}
      action={async () => {
        await retryDevices(chosen, deviceIds);
        onDone(`Those of ${plural(deviceIds.length, "device")} that did not succeed are tried again.`);
      }}
      onClose={onClose}
      about={<p>Those whose deployment in this rollout did not succeed are offered its image once more.</p>}
      fields={(tried) => (
        <Field label="Rollout" error={tried ? error : undefined}>
          {(ids) => (
            <select {...ids} value={chosen} onChange={(event) => setChosen(event.target.value)}>
              {rollouts.length === 0 && <option value="">none</option>}
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
