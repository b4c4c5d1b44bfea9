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

/** A failed request: what is wrong and what to do. Announced when it appears. */
export function ProblemNotice({ problem, lead, onRetry }: Props): ReactNode {
  return (
    <div className="notice tone-bad" role="alert">
      <Icon name="alert" />
      <div className="notice-body">
        <p className="notice-title">
          {lead
            ? `${lead}: ${problem.title.replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase())}`
            : problem.title}
        </p>
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
          <strong>What to do:</strong> {whatToDo(problem)}
        </p>
        <p className="faint">
          Code <code>{problem.code}</code>
        </p>
        {onRetry && (
          <button type="button" className="button small" onClick={onRetry}>
            Try again
          </button>
        )}
      </div>
    </div>
  );
}
