import { t } from "@lingui/core/macro";
import { type ReactNode, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import type { NewRollout, Preflight } from "@flipside/api/types";
import { asProblem } from "../api/problem.ts";
import { preflightRollout } from "../api/rollouts.ts";
import type { RolloutDraft } from "../rollout-draft.ts";
import { ActButton } from "./act.tsx";
import { PreflightPanel } from "./preflight-panel.tsx";
import { ProblemNotice } from "./problem-notice.tsx";

interface Props {
  draft: RolloutDraft;
  /** Undefined: the form is not complete, and says so itself. */
  request: () => NewRollout | undefined;
}

type Answer = { draft: RolloutDraft } & ({ preflight: Preflight } | { problem: ProblemError });

/** Asks the server what the rollout would meet. An answer is about the draft as it was asked about, and no other. */
export function CheckFirst({ draft, request }: Props): ReactNode {
  const [busy, setBusy] = useState(false);
  const [answer, setAnswer] = useState<Answer>();
  const check = async (): Promise<void> => {
    const asked = busy ? undefined : request();
    if (asked === undefined) return;
    setBusy(true);
    try {
      setAnswer({ draft, preflight: await preflightRollout(asked) });
    } catch (thrown) {
      setAnswer({ draft, problem: asProblem(thrown) });
    }
    setBusy(false);
  };
  const current = answer?.draft === draft ? answer : undefined;
  return (
    <>
      <ActButton needs="rollouts:write" className="button" aria-disabled={busy} onClick={() => void check()}>
        {busy ? t`Checking…` : t`Check first`}
      </ActButton>
      {current !== undefined &&
        ("preflight" in current ? (
          <PreflightPanel preflight={current.preflight} />
        ) : (
          <ProblemNotice problem={current.problem} lead={t`It could not be checked`} />
        ))}
    </>
  );
}
