import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useEffect, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import type { NewRollout, Rehearsal } from "@flipside/api/types";
import { asProblem } from "../api/problem.ts";
import { cancelRehearsal, createRehearsal, getRehearsal } from "../api/rehearsals.ts";
import { ActButton } from "./act.tsx";
import { Icon } from "./icon.tsx";
import { ProblemNotice } from "./problem-notice.tsx";
import { ProgressBar } from "./progress-bar.tsx";
import { RehearsalAnswerView } from "./rehearsal-answer.tsx";

interface Props {
  /** What POST /api/v1/rollouts would be asked for. */
  request: NewRollout;
  /** The last that was asked for, which outlives this panel: who goes back to the form finds it again. */
  asked: Rehearsed | undefined;
  onAsked: (asked: Rehearsed) => void;
}

const lookEveryMs = 1_000;

/** What was asked, and what has come of it so far. */
export interface Rehearsed {
  /** JSON of the request. */
  about: string;
  rehearsal: Rehearsal;
}

const isOver = ({ state }: Rehearsal): boolean => state !== "queued" && state !== "running";

/** The rehearsal as the server has it, asked for again and again until it is over; and why that is not answered. */
function useFollowed(asked: Rehearsed | undefined, set: (asked: Rehearsed) => void): ProblemError | undefined {
  const [silence, setSilence] = useState<ProblemError>();
  useEffect(() => {
    if (asked === undefined || isOver(asked.rehearsal)) return undefined;
    let isWanted = true;
    const timer = setTimeout(async () => {
      try {
        const rehearsal = await getRehearsal(asked.rehearsal.id);
        if (isWanted) set({ ...asked, rehearsal });
        if (isWanted) setSilence(undefined);
      } catch (thrown) {
        if (!isWanted) return;
        setSilence(asProblem(thrown));
        // The same once more, so that it is asked for again.
        set({ ...asked });
      }
    }, lookEveryMs);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [asked, set]);
  return silence;
}

/** Plays the rollout in simulation before it starts, and shows what came of it. */
export function RehearsalPanel({ request, asked, onAsked }: Props): ReactNode {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();
  const silence = useFollowed(asked, onAsked);
  const isPlaying = asked !== undefined && !isOver(asked.rehearsal);
  const isIdle = !busy && !isPlaying;

  const act = async (about: string, work: () => Promise<Rehearsal>): Promise<void> => {
    setBusy(true);
    setProblem(undefined);
    try {
      onAsked({ about, rehearsal: await work() });
    } catch (thrown) {
      setProblem(asProblem(thrown));
    }
    setBusy(false);
  };
  const rehearse = async (): Promise<void> => {
    if (isIdle) await act(JSON.stringify(request), () => createRehearsal({ rollout: request }));
  };

  return (
    <section className="rehearsal panel" aria-labelledby="rehearsal-heading">
      <h2 id="rehearsal-heading">{t`Rehearsal`}</h2>
      <p className="muted">
        <Trans>
          The server plays this rollout in simulation, against a model of these devices made from their history: how
          long it takes, and what a bad image would cost. No device hears of it.
        </Trans>
      </p>
      <div className="actions">
        <ActButton needs="rollouts:write" className="button" aria-disabled={!isIdle} onClick={() => void rehearse()}>
          <Icon name="flask" /> {asked?.rehearsal.state === "done" ? t`Rehearse again` : t`Rehearse`}
        </ActButton>
        {isPlaying && (
          <ActButton
            needs="rollouts:write"
            className="button"
            onClick={() => void act(asked.about, () => cancelRehearsal(asked.rehearsal.id))}
          >
            {t`Cancel the rehearsal`}
          </ActButton>
        )}
      </div>
      {problem && <ProblemNotice problem={problem} lead={t`It could not be rehearsed`} />}
      {silence && <ProblemNotice problem={silence} lead={t`How far it is can’t be said; the server is asked again`} />}
      {asked && <Course {...asked} isAnother={JSON.stringify(request) !== asked.about} />}
    </section>
  );
}

/** `isAnother`: the rollout was changed since. */
const Course = ({ rehearsal, isAnother }: Rehearsed & { isAnother: boolean }): ReactNode => (
  <>
    <Standing rehearsal={rehearsal} />
    {isAnother && (
      <p className="notice tone-warn">
        <Icon name="alert" />{" "}
        <span>{t`This is about the rollout as it was before it was changed. Rehearse it again.`}</span>
      </p>
    )}
    {rehearsal.answer && <RehearsalAnswerView answer={rehearsal.answer} seed={rehearsal.seed} />}
  </>
);

/** How far it is, until there is an answer: heard as well as seen. */
function Standing({ rehearsal: { state, progress, failure } }: { rehearsal: Rehearsal }): ReactNode {
  const { done, total } = progress;
  if (state === "failed")
    return (
      <div className="notice tone-bad" role="alert">
        <Icon name="alert" />
        <div className="notice-body">
          <p className="notice-title">{t`The rehearsal has no answer`}</p>
          <p>
            <bdi>{failure}</bdi>
          </p>
        </div>
      </div>
    );
  const words = {
    queued: t`Waits until the rehearsals before it are done.`,
    running: total === 0 ? t`The simulated fleet is being set up.` : t`${done} of ${total} runs are played.`,
    cancelled: t`It was cancelled: there is no answer.`,
    done: t`The rehearsal is done.`,
  }[state];
  return (
    <>
      <p role="status">{words}</p>
      {state === "running" && (
        <ProgressBar part={done / Math.max(1, total)} label={t`Runs that are played`} valueText={words} />
      )}
    </>
  );
}
