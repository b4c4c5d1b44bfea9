// Other rules for the waves of a rollout that are not over.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useState } from "react";
import type { Rollout } from "@flipside/api/types";
import { changeRules } from "../api/rollouts.ts";
import { differing, ruleErrors, rulesOf, typedRulesOf } from "../typed-rules.ts";
import { FormDialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { RuleFields } from "./rule-fields.tsx";

interface Props {
  rollout: Rollout;
  onChanged: (rollout: Rollout) => void;
  onClose: () => void;
}

const waveAlone = (number: number): string => t`Wave ${number} alone`;

export function ChangeRulesDialog({ rollout, onChanged, onClose }: Props): ReactNode {
  const present = Math.max(0, rollout.currentWave);
  const first = present + 1;
  const [scope, setScope] = useState("all");
  const typedOf = (of: string) => typedRulesOf(rollout.settings.rules[of === "all" ? present : Number(of)]!);
  const before = typedOf(scope);
  const [typed, setTyped] = useState(before);
  const errors = ruleErrors(typed);
  // Only what was changed is sent: as typed, since a control may show less than is stored.
  const change = differing(rulesOf(typed), rulesOf(before));
  return (
    <FormDialog
      title={t`Change the rules`}
      confirm={t`Change rules`}
      lead={t`The rules were not changed`}
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
          <Trans>
            They hold from now on. A lower limit of failures may act at once; a wave that wants approval and has it is
            to be approved anew.
          </Trans>
        </p>
      }
      fields={(tried) => (
        <>
          <Field label={t`Waves`}>
            {(ids) => (
              <select
                {...ids}
                value={scope}
                onChange={({ target }) => {
                  setScope(target.value);
                  setTyped(typedOf(target.value));
                }}
              >
                <option value="all">{t`Wave ${first} and all later ones`}</option>
                {rollout.waves.slice(present).map(({ index }) => (
                  <option key={index} value={index}>
                    {waveAlone(index + 1)}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <RuleFields
            typed={typed}
            change={(part) => setTyped({ ...typed, ...part })}
            errors={tried ? errors : {}}
            isFirst={false}
          />
        </>
      )}
    />
  );
}
