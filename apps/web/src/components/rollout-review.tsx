// The last look at a rollout before it is started: what it will do to how many devices, when, what it would meet as the
// server sees it now, and whether a second person is needed.

import { t } from "@lingui/core/macro";
import { Plural, Trans } from "@lingui/react/macro";
import { type ReactNode, useEffect, useMemo, useRef } from "react";
import type { NewRollout, TwoPersonRule } from "@flipside/api/types";
import { getTwoPersonRule } from "../api/second-person.ts";
import { useResource } from "../live/hooks.ts";
import { Resource } from "../live/resource.ts";
import { reviewedWaves, reviewSentences } from "../review-words.ts";
import type { RolloutDraft, RolloutPlan } from "../rollout-draft.ts";
import type { CheckedRollout } from "../use-checked-rollout.ts";
import { ownTimeZone } from "../words/quantities.ts";
import { ActButton } from "./act.tsx";
import { CumulativeBar } from "./cumulative-stages.tsx";
import { Icon } from "./icon.tsx";
import { PreflightPanel } from "./preflight-panel.tsx";
import { ProblemNotice } from "./problem-notice.tsx";
import { RehearsalPanel, type Rehearsed } from "./rehearsal-panel.tsx";

interface Props {
  draft: RolloutDraft;
  plan: RolloutPlan;
  request: NewRollout;
  checked: CheckedRollout;
  busy: boolean;
  rehearsed: Rehearsed | undefined;
  onRehearsed: (rehearsed: Rehearsed) => void;
  onStart: () => void;
  onBack: () => void;
}

export function RolloutReview({
  draft,
  plan,
  request,
  checked,
  busy,
  rehearsed,
  onRehearsed,
  onStart,
  onBack,
}: Props): ReactNode {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const { name } = request;
  return (
    <section className="review" aria-labelledby="review-heading">
      <div className="panel">
        <h2 id="review-heading" ref={heading} tabIndex={-1}>
          <Trans>
            Review: <bdi>{name}</bdi>
          </Trans>
        </h2>
        <Gist plan={plan} />
        <Stages draft={draft} plan={plan} />
        <h3>
          <Trans>When it stops, and how fast it goes</Trans>
        </h3>
        <ul className="facts">
          {reviewSentences(draft, plan).map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
        <SecondPerson />
      </div>
      <div className="panel">
        <h2>
          <Trans>What it would meet</Trans>
        </h2>
        {checked.preflight && <PreflightPanel preflight={checked.preflight} />}
        {checked.problem && (
          <ProblemNotice problem={checked.problem} lead={t`It could not be checked`} onRetry={checked.check} />
        )}
        {checked.preflight === undefined && checked.problem === undefined && (
          <p className="loading" role="status">
            {t`Asking the server what it would meet…`}
          </p>
        )}
      </div>
      <RehearsalPanel request={request} asked={rehearsed} onAsked={onRehearsed} />
      <div className="actions">
        <ActButton needs="rollouts:write" className="button primary" aria-disabled={busy} onClick={onStart}>
          <Icon name="play" /> {busy ? t`Creating…` : t`Start rollout`}
        </ActButton>
        <button type="button" className="button" onClick={onBack}>
          <Trans>Change something</Trans>
        </button>
      </div>
    </section>
  );
}

function Gist({ plan: { release, chosen, preflight, dealt } }: Pick<Props, "plan">): ReactNode {
  const { product, version } = release;
  const devices = chosen ?? preflight?.chosen;
  const waves = dealt.sizes?.length;
  if (devices === undefined || waves === undefined)
    return (
      <p>
        <Trans>
          <bdi>{product}</bdi> <bdi>{version}</bdi>: the devices that it goes to are being counted. Nothing has happened
          yet.
        </Trans>
      </p>
    );
  return (
    <p>
      <Trans>
        <bdi>{product}</bdi> <bdi>{version}</bdi> goes to{" "}
        <strong>
          <Plural value={devices} one="# device" other="# devices" />
        </strong>
        , in <Plural value={waves} one="# wave" other="# waves" />. Nothing has happened yet.
      </Trans>
    </p>
  );
}

const zone = ownTimeZone();

const Stage = ({ number, sentence }: { number: number; sentence: string }): ReactNode => (
  <Trans>
    <strong>Wave {number}:</strong> {sentence}
  </Trans>
);

const Stages = ({ draft, plan }: Pick<Props, "draft" | "plan">): ReactNode => (
  <ol className="stages" role="list" aria-label={t`Its waves, one after the other`}>
    {reviewedWaves(draft, plan).map(({ index, sentence }) => (
      <li key={index}>
        <Stage number={index + 1} sentence={sentence} />
        <CumulativeBar sizes={plan.dealt.sizes!} index={index} />
      </li>
    ))}
    <li className="muted">
      <Trans>Times are of {zone}.</Trans>
    </li>
  </ol>
);

/** Whether starting takes two persons here. */
function SecondPerson(): ReactNode {
  const rule = useMemo(() => new Resource<TwoPersonRule>({ load: getTwoPersonRule, apply: (value) => value }), []);
  const { value } = useResource(rule);
  if (value === undefined) return null;
  const isNeeded = [...value.operations, ...value.besides].includes("createRollout");
  return (
    <p className="why">
      <Icon name={isNeeded ? "alert" : "check"} />
      <span>
        {isNeeded
          ? t`Starting a rollout takes two persons here: it waits until somebody else has confirmed it.`
          : t`Nobody else is needed to start it.`}
      </span>
    </p>
  );
}
