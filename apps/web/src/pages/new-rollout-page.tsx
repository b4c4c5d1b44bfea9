import { type FormEvent, type ReactNode, useMemo, useRef, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import type { Device, Release } from "@flipside/api/types";
import { asProblem } from "../api/problem.ts";
import { createRollout } from "../api/rollouts.ts";
import { CheckFirst } from "../components/check-first.tsx";
import { Link } from "../components/link.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Page } from "../components/page.tsx";
import {
  LimitsSection,
  SummarySection,
  TargetSection,
  WavesSection,
  WhatSection,
  WhenSection,
} from "../components/rollout-form-sections.tsx";
import { useFleet } from "../live/hooks.ts";
import { fitOf, newDraft, planOf, requestOf, type RolloutDraft } from "../rollout-draft.ts";
import { navigate, rolloutPath } from "../router.ts";

export function NewRolloutPage({ releaseId }: { releaseId: string | null }): ReactNode {
  const fleet = useFleet();
  return (
    <Page title="New rollout" back={{ href: "/rollouts", label: "Rollouts" }}>
      <Loaded resource={fleet.releases} what="the list of releases">
        {(releases) => (
          <Loaded resource={fleet.devices} what="the list of devices">
            {(devices) =>
              releases.size === 0 ? (
                <div className="empty">
                  <h2>There is nothing to roll out yet</h2>
                  <p>
                    Upload a release on <Link href="/releases">Releases</Link> first.
                  </p>
                </div>
              ) : (
                <RolloutForm
                  releases={[...releases.values()]}
                  devices={[...devices.values()]}
                  initialReleaseId={releaseId}
                />
              )
            }
          </Loaded>
        )}
      </Loaded>
    </Page>
  );
}

function RolloutForm({
  releases,
  devices,
  initialReleaseId,
}: {
  releases: Release[];
  devices: Device[];
  initialReleaseId: string | null;
}): ReactNode {
  const newestFirst = useMemo(
    () => [...releases].sort((one, two) => two.uploadedAt.localeCompare(one.uploadedAt)),
    [releases],
  );
  const [draft, setDraft] = useState(() =>
    newDraft(newestFirst.find((release) => release.id === initialReleaseId)?.id ?? newestFirst[0]!.id),
  );
  const change = (part: Partial<RolloutDraft>): void => setDraft((before) => ({ ...before, ...part }));
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();
  const form = useRef<HTMLFormElement>(null);

  const release = newestFirst.find((each) => each.id === draft.releaseId) ?? newestFirst[0]!;
  const fit = useMemo(() => fitOf(release, devices, newestFirst), [release, devices, newestFirst]);
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
      <WhatSection {...shared} releases={newestFirst} />
      <TargetSection {...shared} />
      <WavesSection {...shared} />
      <LimitsSection {...shared} />
      <WhenSection {...shared} />
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
