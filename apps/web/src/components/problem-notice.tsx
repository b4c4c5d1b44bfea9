import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import type { ProblemError } from "@flipside/api/problem";
import { whatToDo } from "../words/problem-words.ts";
import { asSentence } from "../words/quantities.ts";
import { Icon } from "./icon.tsx";

interface Props {
  problem: ProblemError;
  /** What was being done, such as "The list of devices could not be loaded". */
  lead?: string;
  onRetry?: () => void;
}

function headline({ title }: ProblemError, lead: string | undefined): string {
  if (!lead) return title;
  const what = title.replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase());
  return t`${lead}: ${what}`;
}

/** A failed request: what is wrong and what to do. Announced when it appears. */
export function ProblemNotice({ problem, lead, onRetry }: Props): ReactNode {
  const [{ code }, todo] = [problem, whatToDo(problem)];
  return (
    <div className="notice tone-bad" role="alert">
      <Icon name="alert" />
      <div className="notice-body">
        <p className="notice-title">{headline(problem, lead)}</p>
        {problem.detail && problem.detail !== problem.title && <p>{asSentence(problem.detail)}</p>}
        {problem.errors.length > 0 && (
          <ul>
            {problem.errors.map((error) => (
              <li key={`${error.path} ${error.message}`}>
                {error.path && <code>{error.path}</code>} {error.message}
              </li>
            ))}
          </ul>
        )}
        <p>
          <Trans>
            <strong>What to do:</strong> {todo}
          </Trans>
        </p>
        <p className="faint">
          <Trans>
            Code <code>{code}</code>
          </Trans>
        </p>
        {onRetry && (
          <button type="button" className="button small" onClick={onRetry}>
            {t`Try again`}
          </button>
        )}
      </div>
    </div>
  );
}
