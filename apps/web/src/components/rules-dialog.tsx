// Other rules for the waves of a rollout that are not over.

import { type ReactNode, useState } from "react";
import { deadlineMsMax, deadlineMsMin, soakMsMax } from "@flipside/api/limits";
import { deviceCountProblem } from "@flipside/api/rollout-arithmetic";
import type { Rollout, RuleChange, WaveRules } from "@flipside/api/types";
import { changeRules } from "../api/rollouts.ts";
import { isBetween, numberOf } from "../typed-number.ts";
import { thresholdWords } from "../words/state-words.ts";
import { FormDialog } from "./dialog.tsx";
import { Field } from "./field.tsx";

const minuteMs = 60_000;

interface Typed {
  threshold: string;
  action: WaveRules["thresholdAction"];
  soakMinutes: string;
  deadlineMinutes: string;
  underWayMax: string;
}

const typedOf = (rules: WaveRules): Typed => ({
  threshold: String(rules.failureThresholdPercent),
  action: rules.thresholdAction,
  soakMinutes: String(rules.soakMs / minuteMs),
  deadlineMinutes: String(rules.deadlineMs / minuteMs),
  underWayMax: rules.underWayMax === null ? "" : String(rules.underWayMax),
});

function errorsOf(typed: Typed): Partial<Record<keyof Typed, string>> {
  const errors: Partial<Record<keyof Typed, string>> = {};
  if (!isBetween(numberOf(typed.threshold), 0, 100)) errors.threshold = "Give a percentage from 0 to 100.";
  if (!isBetween(numberOf(typed.soakMinutes) * minuteMs, 0, soakMsMax))
    errors.soakMinutes = `Give minutes from 0 to ${soakMsMax / minuteMs}.`;
  if (!isBetween(numberOf(typed.deadlineMinutes) * minuteMs, deadlineMsMin, deadlineMsMax))
    errors.deadlineMinutes = `Give minutes above 0, up to ${deadlineMsMax / minuteMs}.`;
  const most = typed.underWayMax.trim() === "" ? undefined : deviceCountProblem(numberOf(typed.underWayMax));
  if (most !== undefined) errors.underWayMax = most;
  return errors;
}

/** Only what was changed is sent. */
function changeOf(before: Typed, typed: Typed): RuleChange["rules"] {
  const rules: RuleChange["rules"] = {};
  if (typed.threshold !== before.threshold) rules.failureThresholdPercent = numberOf(typed.threshold);
  if (typed.action !== before.action) rules.thresholdAction = typed.action;
  if (typed.soakMinutes !== before.soakMinutes) rules.soakMs = Math.round(numberOf(typed.soakMinutes) * minuteMs);
  if (typed.deadlineMinutes !== before.deadlineMinutes)
    rules.deadlineMs = Math.round(numberOf(typed.deadlineMinutes) * minuteMs);
  if (typed.underWayMax !== before.underWayMax)
    rules.underWayMax = typed.underWayMax.trim() === "" ? null : numberOf(typed.underWayMax);
  return rules;
}

interface Props {
  rollout: Rollout;
  onChanged: (rollout: Rollout) => void;
  onClose: () => void;
}

export function ChangeRulesDialog({ rollout, onChanged, onClose }: Props): ReactNode {
  const present = Math.max(0, rollout.currentWave);
  const before = typedOf(rollout.settings.rules[present]!);
  const [typed, setTyped] = useState(before);
  const [scope, setScope] = useState("all");
  const errors = errorsOf(typed);
  const change = changeOf(before, typed);
  return (
    <FormDialog
      title="Change the rules"
      confirm="Change rules"
      lead="The rules were not changed"
      isWrong={Object.keys(errors).length > 0}
      action={async () => {
        if (Object.keys(change).length === 0) return;
        onChanged(
          await changeRules(rollout.id, { ...(scope === "all" ? {} : { wave: Number(scope) }), rules: change }),
        );
      }}
      onClose={onClose}
      about={
        <p className="muted">
          They hold from now on. A lower limit of failures may act at once; a wave that wants approval and has it is to
          be approved anew.
        </p>
      }
      fields={(tried) => (
        <>
          <Field label="Waves">
            {(ids) => (
              <select {...ids} value={scope} onChange={(event) => setScope(event.target.value)}>
                <option value="all">Wave {present + 1} and all later ones</option>
                {rollout.waves.slice(present).map(({ index }) => (
                  <option key={index} value={index}>
                    Wave {index + 1} alone
                  </option>
                ))}
              </select>
            )}
          </Field>
          <div className="pair">
            <Typing
              {...{
                label: "Failures above, in percent",
                typed: typed.threshold,
                error: tried ? errors.threshold : undefined,
              }}
              onChange={(threshold) => setTyped({ ...typed, threshold })}
            />
            <Field label="Then">
              {(ids) => (
                <select
                  {...ids}
                  value={typed.action}
                  onChange={(event) => setTyped({ ...typed, action: event.target.value as Typed["action"] })}
                >
                  {Object.entries(thresholdWords).map(([action, label]) => (
                    <option key={action} value={action}>
                      {label}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            <Typing
              {...{
                label: "Watched for, in minutes",
                typed: typed.soakMinutes,
                error: tried ? errors.soakMinutes : undefined,
              }}
              onChange={(soakMinutes) => setTyped({ ...typed, soakMinutes })}
            />
            <Typing
              {...{
                label: "Time of each device, in minutes",
                typed: typed.deadlineMinutes,
                error: tried ? errors.deadlineMinutes : undefined,
              }}
              onChange={(deadlineMinutes) => setTyped({ ...typed, deadlineMinutes })}
            />
            <Typing
              {...{
                label: "Devices at work at a time",
                hint: "Empty: all of a wave.",
                typed: typed.underWayMax,
                error: tried ? errors.underWayMax : undefined,
              }}
              onChange={(underWayMax) => setTyped({ ...typed, underWayMax })}
            />
          </div>
        </>
      )}
    />
  );
}

interface TypingProps {
  label: string;
  hint?: string;
  typed: string;
  error: string | undefined;
  onChange: (typed: string) => void;
}

const Typing = ({ label, hint, typed, error, onChange }: TypingProps): ReactNode => (
  <Field label={label} hint={hint} error={error}>
    {(ids) => <input {...ids} inputMode="decimal" value={typed} onChange={(event) => onChange(event.target.value)} />}
  </Field>
);
