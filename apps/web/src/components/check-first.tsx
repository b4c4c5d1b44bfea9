import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import type { CheckedRollout } from "../use-checked-rollout.ts";
import { ActButton } from "./act.tsx";
import { PreflightPanel } from "./preflight-panel.tsx";
import { ProblemNotice } from "./problem-notice.tsx";

interface Props {
  checked: CheckedRollout;
  onCheck: () => void;
}

/** What the rollout would meet: of a small fleet it is asked while somebody types, of any when somebody wants it. */
export const CheckFirst = ({ checked: { busy, preflight, problem }, onCheck }: Props): ReactNode => (
  <>
    <ActButton needs="rollouts:write" className="button" aria-disabled={busy} onClick={onCheck}>
      {busy ? t`Checking…` : preflight === undefined ? t`Check first` : t`Check again`}
    </ActButton>
    {preflight && <PreflightPanel preflight={preflight} />}
    {problem && <ProblemNotice problem={problem} lead={t`It could not be checked`} />}
  </>
);
