import { type FormEvent, type ReactNode, useMemo, useRef, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import type { CompleteNewRollout, Device, Release } from "@flipside/api/types";
import { asProblem } from "../api/problem.ts";
import { cloneRollout, createRollout } from "../api/rollouts.ts";
import { CheckFirst } from "../components/check-first.tsx";
import { Link } from "../components/link.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Page } from "../components/page.tsx";
import { SupersedeField } from "../components/supersede-field.tsx";
import { RehearsalPanel } from "../components/rehearsal-panel.tsx";
import {
  LimitsSection,
  SummarySection,
  TargetSection,
  WavesSection,
  WhatSection,
  WhenSection,
} from "../components/rollout-form-sections.tsx";
import { useFleet } from "../live/hooks.ts";
import { Resource } from "../live/resource.ts";
import { draftOf, fitOf, newDraft, planOf, requestOf, type RolloutDraft } from "../rollout-draft.ts";
import { navigate, rolloutPath } from "../router.ts";

interface Asked {
  releaseId: string | null;
  /** Id of the rollout that is to be made again. */
  cloneOf: string | null;
}

export function NewRolloutPage({ releaseId, cloneOf }: Asked): ReactNode {
  const fleet = useFleet();
  return (
    <Page title="New rollout" back={{ href: "/rollouts", label: "Rollouts" }}>
      <Loaded resource={fleet.releases} what="the list of releases">
        {(releases) => (
          <Loaded resource={fleet.devices} what="the list of devices">
            {(devices) => {
              if (releases.size === 0) return <NoRelease />;
              const of = { releases: newestFirst([...releases.values()]), devices: [...devices.values()] };
              return cloneOf === null ? (
                <RolloutForm {...of} begun={newDraft(chosenOf(of.releases, releaseId).id)} />
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
    <h2>There is nothing to roll out yet</h2>
    <p>
      Upload a release on <Link href="/releases">Releases</Link> first.
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
    <Loaded resource={request} what="the rollout that is to be made again">
      {(value) => <RolloutForm {...of} begun={draftOf(value)} />}
    </Loaded>
  );
}

function RolloutForm({ releases, devices, begun }: FormProps & { begun: RolloutDraft }): ReactNode {
  const [draft, setDraft] = useState(begun);
  const change = (part: Partial<RolloutDraft>): void => setDraft((before) => ({ ...before, ...part }));
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();
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

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (busy || !isComplete()) return;
    setBusy(true);
    try {
      const rollout = await createRollout(requestOf(draft, plan));
      navigate(rolloutPath(rollout.id));
    } catch (thrown) {
      setProblem(asProblem(thrown));
      setBusy(false);
    }
  };

  const shared = { draft, plan, change, tried };
  return (
    <form ref={form} className="rollout-form" noValidate onSubmit={(event) => void submit(event)}>
      <WhatSection {...shared} releases={releases}>
        <SupersedeField {...{ draft, change, releases }} />
      </WhatSection>
      <TargetSection {...shared} />
      <WavesSection {...shared} />
      <LimitsSection {...shared} />
      <WhenSection {...shared} />
      <RehearsalPanel request={plan.isWrong ? undefined : requestOf(draft, plan)} />
      <SummarySection
        draft={draft}
        plan={plan}
        problem={problem}
        busy={busy}
        check={<CheckFirst draft={draft} request={() => (isComplete() ? requestOf(draft, plan) : undefined)} />}
      />
    </form>
  );
}
