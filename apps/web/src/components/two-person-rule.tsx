import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { TwoPersonRule as Rule } from "@flipside/api/types";
import { type ReactNode, useCallback, useEffect, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import { asProblem } from "../api/problem.ts";
import { getTwoPersonRule, setTwoPersonRule } from "../api/second-person.ts";
import { useUser } from "../session.tsx";
import { listed } from "../words/listed.ts";
import { operationWords } from "../words/operation-words.ts";
import { CheckField } from "./check-field.tsx";
import { FormDialog } from "./dialog.tsx";
import { ProblemNotice } from "./problem-notice.tsx";

interface DialogProps {
  rule: Rule;
  onClose: () => void;
  onSet: (rule: Rule) => void;
}

function RuleDialog({ rule, onClose, onSet }: DialogProps): ReactNode {
  const [chosen, setChosen] = useState<readonly string[]>(rule.operations);
  return (
    <FormDialog
      title={t`What takes two persons`}
      confirm={t`Set the rule`}
      lead={t`The rule is as it was`}
      isWrong={false}
      about={
        <p>
          <Trans>
            One person asks for it, another confirms it. With any of these, changing accounts and this rule takes two as
            well: else one person could become two.
          </Trans>
        </p>
      }
      fields={() => (
        <div className="choices in-columns">
          {rule.possible.map((operation) => (
            <CheckField
              key={operation}
              checked={chosen.includes(operation)}
              change={(isChosen) =>
                setChosen(isChosen ? [...chosen, operation] : chosen.filter((each) => each !== operation))
              }
            >
              {operationWords(operation)}
            </CheckField>
          ))}
        </div>
      )}
      action={async () => onSet(await setTwoPersonRule([...chosen]))}
      onClose={onClose}
    />
  );
}

function Takes({ operations, besides }: Rule): ReactNode {
  const two = listed(operations.map(operationWords));
  const also = listed(besides.map(operationWords));
  return (
    <p>
      <Trans>Takes two: {two}.</Trans>
      {besides.length > 0 && (
        <span className="muted">
          {" "}
          <Trans>Because of these also: {also}.</Trans>
        </span>
      )}
    </p>
  );
}

/** Which operations take two, and, for who may, other ones. */
export function TwoPersonRule(): ReactNode {
  const { may } = useUser();
  const [rule, setRule] = useState<Rule>();
  const [problem, setProblem] = useState<ProblemError>();
  const [isChanging, setIsChanging] = useState(false);
  const load = useCallback(async () => {
    setProblem(undefined);
    try {
      setRule(await getTwoPersonRule());
    } catch (thrown) {
      setProblem(asProblem(thrown));
    }
  }, []);
  useEffect(() => void load(), [load]);
  return (
    <section className="panel" aria-labelledby="rule-heading">
      <div className="panel-head">
        <h2 id="rule-heading">
          <Trans>The rule</Trans>
        </h2>
        {may.includes("accounts:manage") && rule && (
          <button type="button" className="button small" onClick={() => setIsChanging(true)}>
            <Trans>Change the rule</Trans>
          </button>
        )}
      </div>
      {problem && <ProblemNotice problem={problem} lead={t`Could not load the rule`} onRetry={() => void load()} />}
      {rule &&
        (rule.operations.length === 0 ? (
          <p className="muted">
            <Trans>Nothing takes two persons: who may do a thing does it alone.</Trans>
          </p>
        ) : (
          <Takes {...rule} />
        ))}
      {isChanging && rule && <RuleDialog rule={rule} onClose={() => setIsChanging(false)} onSet={setRule} />}
    </section>
  );
}
