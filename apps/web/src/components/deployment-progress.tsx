import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import { deploymentPart, downloadedPart } from "@flipside/api/rollout-arithmetic";
import type { Deployment } from "@flipside/api/types";
import { errorWords } from "../words/error-words.ts";
import { deploymentWords, type StateWords, wordsOf } from "../words/state-words.ts";
import { ProgressBar } from "./progress-bar.tsx";
import { StateBadge } from "./state-badge.tsx";

interface Props {
  deployment: Deployment;
  /** Where more is known than its state says. */
  words?: StateWords | undefined;
}

/** Where a deployment stands: state, and how far it is on the way to confirmed. */
export function DeploymentProgress({
  deployment,
  words = wordsOf(deploymentWords, deployment.state),
}: Props): ReactNode {
  const part = deploymentPart(deployment);
  const { label } = words;
  const claimed = deployment.claimed ? t`claimed` : undefined;
  const percent = deployment.state === "downloading" ? `${Math.floor(downloadedPart(deployment) * 100)} %` : undefined;
  return (
    <div className="deployment">
      <StateBadge words={words} {...((percent ?? claimed) ? { detail: (percent ?? claimed)! } : {})} />
      {part !== undefined && part > 0 && part < 1 && (
        <ProgressBar
          part={part}
          tone={words.tone}
          label={t`Update to ${{ version: deployment.version }}`}
          valueText={percent ? t`${label}, ${percent}` : label}
        />
      )}
    </div>
  );
}

/** An error code and what it means; nothing for a deployment, command or refusal without one. */
export function CodeExplained({
  coded,
  withTodo,
}: {
  coded: Pick<Deployment, "code" | "codeName">;
  withTodo?: boolean;
}): ReactNode {
  if (!coded.codeName || coded.code === 0) return null;
  const words = errorWords(coded.codeName);
  return (
    <div className="code-explained">
      <code>{coded.codeName}</code>
      <p>
        {words?.means ??
          t`This console does not know the code. Look for it in the documentation of the server's version.`}
      </p>
      {withTodo && words && <p className="muted">{words.todo}</p>}
    </div>
  );
}
