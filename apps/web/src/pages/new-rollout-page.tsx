import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type FormEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import type { CompleteNewRollout, Release } from "@flipside/api/types";
import { asProblem } from "../api/problem.ts";
import { cloneRollout, createRollout } from "../api/rollouts.ts";
import { useRefusal } from "../components/act.tsx";
import { CheckFirst } from "../components/check-first.tsx";
import { Icon } from "../components/icon.tsx";
import { LeaveGuard } from "../components/leave-guard.tsx";
import { Link } from "../components/link.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Page } from "../components/page.tsx";
import type { Rehearsed } from "../components/rehearsal-panel.tsx";
import { RolloutReview } from "../components/rollout-review.tsx";
import { SupersedeField } from "../components/supersede-field.tsx";
import {
  LimitsSection,
  SummarySection,
  TargetSection,
  WavesSection,
  WhatSection,
  WhenSection,
} from "../components/rollout-form-sections.tsx";
import { TemplateBar } from "../components/template-bar.tsx";
import { TimeAgo } from "../components/time-ago.tsx";
import { useFleet } from "../live/hooks.ts";
import { Resource } from "../live/resource.ts";
import {
  type DraftChange,
  draftOf,
  newDraft,
  planOf,
  requestOf,
  type RolloutDraft,
  type RolloutPlan,
} from "../rollout-draft.ts";
import { withSettings } from "../rollout-templates.ts";
import { navigate, rolloutPath, useParam } from "../router.ts";
import { forgetDraft, savedDraft, saveDraft } from "../saved-draft.ts";
import { useUser } from "../session.tsx";
import { useCheckedRollout } from "../use-checked-rollout.ts";
import { usePickedDevices } from "../use-picked-devices.ts";
import { useTargetCounts } from "../use-target-counts.ts";

interface Asked {
  releaseId: string | null;
  /** Id of the rollout that is to be made again. */
  cloneOf: string | null;
}

export function NewRolloutPage({ releaseId, cloneOf }: Asked): ReactNode {
  const fleet = useFleet();
  return (
    <Page title={t`New rollout`} back={{ href: "/rollouts", label: t`Rollouts` }}>
      <Loaded resource={fleet.releases} what={t`the list of releases`}>
        {(known) => {
          if (known.size === 0) return <NoRelease />;
          const releases = newestFirst([...known.values()]);
          return cloneOf === null ? (
            <RolloutForm
              releases={releases}
              begun={newDraft(chosenOf(releases, releaseId).id)}
              restores={releaseId === null}
            />
          ) : (
            <ClonedForm releases={releases} id={cloneOf} />
          );
        }}
      </Loaded>
    </Page>
  );
}

const newestFirst = (releases: Release[]): Release[] =>
  releases.sort((one, two) => two.uploadedAt.localeCompare(one.uploadedAt));

const chosenOf = (releases: Release[], id: string | null): Release =>
  releases.find((release) => release.id === id) ?? releases[0]!;

const NoRelease = (): ReactNode => (
  <div className="empty">
    <h2>
      <Trans>There is nothing to roll out yet</Trans>
    </h2>
    <p>
      <Trans>
        Upload a release on <Link href="/releases">Releases</Link> first.
      </Trans>
    </p>
  </div>
);

interface FormProps {
  /** Newest first. */
  releases: Release[];
}

function ClonedForm({ id, ...of }: FormProps & { id: string }): ReactNode {
  const request = useMemo(
    () => new Resource<CompleteNewRollout>({ load: () => cloneRollout(id), apply: (value) => value }),
    [id],
  );
  return (
    <Loaded resource={request} what={t`the rollout that is to be made again`}>
      {(value) => <RolloutForm {...of} begun={draftOf(value)} />}
    </Loaded>
  );
}

/**
 * What is typed is kept in this browser until it is started or thrown away. `restores`: it begins with what is kept.
 */
function useSavedDraft(begun: RolloutDraft, restores: boolean) {
  const { userName } = useUser();
  const [kept, setKept] = useState(() => savedDraft(userName));
  const [isRestored, setRestored] = useState(restores && kept !== undefined);
  const [draft, setDraft] = useState(() => (isRestored ? kept!.draft : begun));
  const [isTouched, setTouched] = useState(isRestored);
  const newest = useRef(draft);
  const show = (next: RolloutDraft): void => setDraft((newest.current = next));
  const change = (part: DraftChange): void => {
    show({ ...newest.current, ...(typeof part === "function" ? part(newest.current) : part) });
    setTouched(true);
    saveDraft(userName, newest.current);
  };
  const forget = (): void => {
    forgetDraft(userName);
    setTouched(false);
    setRestored(false);
    setKept(undefined);
  };
  const startAnew = (): void => {
    forget();
    show(begun);
  };
  const goOn = (): void => {
    show(kept!.draft);
    setRestored(true);
    setTouched(true);
  };
  // Once something else is typed, that has taken its place.
  const notice = kept && !(isTouched && !isRestored) && (
    <KeptDraft savedAt={kept.savedAt} isShown={isRestored} onStartAnew={startAnew} onGoOn={goOn} />
  );
  return { draft, change, isTouched, notice, forget };
}

interface KeptProps {
  savedAt: string;
  isShown: boolean;
  onStartAnew: () => void;
  onGoOn: () => void;
}

const KeptDraft = ({ savedAt, isShown, onStartAnew, onGoOn }: KeptProps): ReactNode => (
  <div className="notice" role="status">
    <Icon name="back" />
    <div className="notice-body">
      <p>
        {isShown ? (
          <Trans>
            This is what you had typed <TimeAgo at={savedAt} />, as this browser has kept it.
          </Trans>
        ) : (
          <Trans>
            This browser has kept another rollout that you had typed <TimeAgo at={savedAt} />. What you type here takes
            its place.
          </Trans>
        )}
      </p>
      <button type="button" className="button small" onClick={isShown ? onStartAnew : onGoOn}>
        {isShown ? t`Start anew` : t`Go on with that one`}
      </button>
    </div>
  </div>
);

const DraftGuard = (of: { isTouched: boolean; onDiscard: () => void }): ReactNode => (
  <LeaveGuard {...of}>
    <p>
      <Trans>What you have typed was not started. Kept, it is here again when you come back, in this browser.</Trans>
    </p>
  </LeaveGuard>
);

/** Of fleets that are not larger the server is asked what a rollout would meet as soon as nobody types any more. */
const checkedByItselfMax = 10_000;

/** What follows from the draft, with all that the server has said of it so far. */
function usePlan(draft: RolloutDraft, release: Release) {
  const [step] = useParam("step");
  const counts = useTargetCounts(draft, release);
  const picked = usePickedDevices(draft.picked, draft.target === "picked");
  const { all, filtered } = counts;
  const fit = { release, all, filtered, picked: picked.devices };
  const typed = planOf(draft, { ...fit, preflight: undefined });
  const mayAsk = useRefusal("rollouts:write") === undefined;
  const isFew = typed.chosen !== undefined && typed.chosen <= checkedByItselfMax;
  // The review shows it, or why it can't be had: also where nobody could be counted, and where the server refuses it.
  const isAsked = step === "review" || (mayAsk && isFew);
  const checked = useCheckedRollout(typed.isWrong ? undefined : requestOf(draft, typed), isAsked);
  const problem = counts.problem ?? picked.problem;
  const again = (): void => {
    counts.again();
    picked.again();
  };
  return {
    plan: checked.preflight === undefined ? typed : planOf(draft, { ...fit, preflight: checked.preflight }),
    checked,
    onShown: picked.learn,
    uncounted: problem && { problem, again },
  };
}

/**
 * The review is a step of its own: Back leads from it to the form. Whether somebody is chosen is known once they are
 * counted: who wants it before waits for that, unless they can't be counted.
 */
function useReview(plan: RolloutPlan, isComplete: () => boolean, isUncountable: boolean) {
  const [step, setStep] = useParam("step");
  const [isWanted, setWanted] = useState(false);
  const isKnown = plan.isWrong || plan.chosen !== undefined || isUncountable;
  useEffect(() => {
    if (!isWanted || !isKnown) return;
    setWanted(false);
    if (!isComplete()) return;
    const { pathname, search } = window.location;
    const query = new URLSearchParams(search);
    query.set("step", "review");
    navigate(`${pathname}?${query}`, { isMeant: true });
  });
  // What was counted since may make it wrong: then the form says what is.
  useEffect(() => {
    if (step === "review" && plan.isWrong) setStep("");
  }, [step, plan.isWrong, setStep]);
  return {
    isOpen: step === "review" && !plan.isWrong,
    isWanted,
    want: (event: FormEvent) => {
      event.preventDefault();
      setWanted(true);
    },
    leave: () => setStep(""),
  };
}

/** The first field that is wrong gets the focus, so that it is found and heard. */
function useFindingWrong() {
  const form = useRef<HTMLFormElement>(null);
  const [sought, setSought] = useState(0);
  // Once the errors are drawn.
  useEffect(() => {
    if (sought === 0) return;
    form.current?.querySelector<HTMLElement>("[aria-invalid=true], [data-invalid=true] input")?.focus();
  }, [sought]);
  return { form, findWrong: () => setSought((before) => before + 1) };
}

function RolloutForm({
  releases,
  begun,
  restores = false,
}: FormProps & { begun: RolloutDraft; restores?: boolean }): ReactNode {
  const { draft, change, isTouched, notice, forget } = useSavedDraft(begun, restores);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [rehearsed, setRehearsed] = useState<Rehearsed>();
  const [problem, setProblem] = useState<ProblemError>();
  const { form, findWrong } = useFindingWrong();

  const release = chosenOf(releases, draft.releaseId);
  const { plan, checked, onShown, uncounted } = usePlan(draft, release);

  /** Whether the form is complete; what is not is shown, and found. */
  const isComplete = (): boolean => {
    setTried(true);
    setProblem(undefined);
    if (plan.isWrong) findWrong();
    return !plan.isWrong;
  };

  const review = useReview(plan, isComplete, uncounted !== undefined);

  const start = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    try {
      const rollout = await createRollout(requestOf(draft, plan));
      forget();
      navigate(rolloutPath(rollout.id), { isMeant: true });
    } catch (thrown) {
      setProblem(asProblem(thrown));
      review.leave();
      setBusy(false);
    }
  };

  const guard = <DraftGuard isTouched={isTouched} onDiscard={forget} />;
  if (review.isOpen)
    return (
      <>
        {guard}
        <RolloutReview
          {...{ draft, plan, checked, busy, rehearsed }}
          onRehearsed={setRehearsed}
          request={requestOf(draft, plan)}
          onStart={() => void start()}
          onBack={review.leave}
        />
      </>
    );
  const shared = { draft, plan, change, tried };
  return (
    <>
      {guard}
      {notice}
      {/* With dialogs of its own, whose forms may not be in this one. */}
      <TemplateBar
        request={() => (isComplete() ? requestOf(draft, plan) : undefined)}
        onTake={({ settings }) => change(withSettings(draft, settings))}
      />
      <form ref={form} className="rollout-form" noValidate onSubmit={review.want}>
        <WhatSection {...shared} releases={releases}>
          <SupersedeField {...{ draft, change, releases }} />
        </WhatSection>
        <TargetSection {...shared} {...{ onShown, uncounted }} />
        <WavesSection {...shared} isAsking={checked.busy} />
        <LimitsSection {...shared} />
        <WhenSection {...shared} />
        <SummarySection
          draft={draft}
          plan={plan}
          isWaiting={review.isWanted}
          problem={problem}
          onDiscard={() => {
            forget();
            navigate("/rollouts", { isMeant: true });
          }}
          check={<CheckFirst checked={checked} onCheck={() => void (isComplete() && checked.check())} />}
        />
      </form>
    </>
  );
}
