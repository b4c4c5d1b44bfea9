import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type FormEvent, type ReactNode, useMemo, useRef, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import type { CompleteNewRollout, Device, Release } from "@flipside/api/types";
import { asProblem } from "../api/problem.ts";
import { cloneRollout, createRollout } from "../api/rollouts.ts";
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
import { draftOf, fitOf, newDraft, planOf, requestOf, type RolloutDraft } from "../rollout-draft.ts";
import { withSettings } from "../rollout-templates.ts";
import { navigate, rolloutPath, useParam } from "../router.ts";
import { forgetDraft, savedDraft, saveDraft } from "../saved-draft.ts";
import { useUser } from "../session.tsx";

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
        {(releases) => (
          <Loaded resource={fleet.devices} what={t`the list of devices`}>
            {(devices) => {
              if (releases.size === 0) return <NoRelease />;
              const of = { releases: newestFirst([...releases.values()]), devices: [...devices.values()] };
              return cloneOf === null ? (
                <RolloutForm
                  {...of}
                  begun={newDraft(chosenOf(of.releases, releaseId).id)}
                  restores={releaseId === null}
                />
              ) : (
                <ClonedForm {...of} id={cloneOf} />
              );
            }}
          </Loaded>
        )}
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
  devices: Device[];
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
  const change = (part: Partial<RolloutDraft>): void => {
    show({ ...newest.current, ...part });
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

function RolloutForm({
  releases,
  devices,
  begun,
  restores = false,
}: FormProps & { begun: RolloutDraft; restores?: boolean }): ReactNode {
  const { draft, change, isTouched, notice, forget } = useSavedDraft(begun, restores);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [rehearsed, setRehearsed] = useState<Rehearsed>();
  const [problem, setProblem] = useState<ProblemError>();
  const [step, setStep] = useParam("step");
  const form = useRef<HTMLFormElement>(null);

  const release = chosenOf(releases, draft.releaseId);
  const fit = useMemo(() => fitOf(release, devices, releases), [release, devices, releases]);
  const plan = planOf(draft, fit);

  /** Whether the form is complete; what is not is shown, and found. */
  const isComplete = (): boolean => {
    setTried(true);
    setProblem(undefined);
    if (!plan.isWrong) return true;
    // After React has drawn the errors, so that the first of them can be found and heard.
    requestAnimationFrame(() =>
      form.current?.querySelector<HTMLElement>("[aria-invalid=true], [data-invalid=true] input")?.focus(),
    );
    return false;
  };

  const review = (event: FormEvent): void => {
    event.preventDefault();
    if (!isComplete()) return;
    // A step of its own: Back leads from the review to the form.
    const { pathname, search } = window.location;
    const query = new URLSearchParams(search);
    query.set("step", "review");
    navigate(`${pathname}?${query}`, { isMeant: true });
  };

  const start = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    try {
      const rollout = await createRollout(requestOf(draft, plan));
      forget();
      navigate(rolloutPath(rollout.id), { isMeant: true });
    } catch (thrown) {
      setProblem(asProblem(thrown));
      setStep("");
      setBusy(false);
    }
  };

  const guard = <DraftGuard isTouched={isTouched} onDiscard={forget} />;
  if (step === "review" && !plan.isWrong)
    return (
      <>
        {guard}
        <RolloutReview
          {...{ draft, plan, busy, rehearsed }}
          onRehearsed={setRehearsed}
          request={requestOf(draft, plan)}
          onStart={() => void start()}
          onBack={() => setStep("")}
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
      <form ref={form} className="rollout-form" noValidate onSubmit={review}>
        <WhatSection {...shared} releases={releases}>
          <SupersedeField {...{ draft, change, releases }} />
        </WhatSection>
        <TargetSection {...shared} />
        <WavesSection {...shared} />
        <LimitsSection {...shared} />
        <WhenSection {...shared} />
        <SummarySection
          draft={draft}
          plan={plan}
          problem={problem}
          onDiscard={() => {
            forget();
            navigate("/rollouts", { isMeant: true });
          }}
          check={<CheckFirst draft={draft} request={() => (isComplete() ? requestOf(draft, plan) : undefined)} />}
        />
      </form>
    </>
  );
}
