import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { failuresOf, sharePercent, watchedWave } from "@flipside/api/rollout-arithmetic";
import type { RolloutSummary, StateCounts, WaveProgress } from "@flipside/api/types";
import { count } from "../words/quantities.ts";
import { type Tone, waveStanding } from "../words/state-words.ts";
import { Icon } from "./icon.tsx";
import { StateBadge } from "./state-badge.tsx";
import { TimeToCome } from "./time-ago.tsx";

/** The waves in order, each with how far it is: what has succeeded, what has not, who is away, what is still open. */
export function WaveTrack({
  rollout,
}: {
  rollout: Pick<RolloutSummary, "currentWave" | "soakUntil" | "waves" | "counts">;
}): ReactNode {
  const watched = watchedWave(rollout);
  const busy = rollout.waves.filter((wave) => underWay(wave) > 0);
  return (
    <ol className="waves" role="list">
      {rollout.waves.map((wave) => (
        <Wave
          key={wave.index}
          wave={wave}
          // What is under way is known by its steps of the rollout as a whole: of a wave, where it is all in that one.
          steps={busy.length === 1 && busy[0] === wave ? rollout.counts : undefined}
          watchedUntil={wave === watched ? rollout.soakUntil : null}
        />
      ))}
    </ol>
  );
}

const underWay = ({ total, finished, waiting, unreached }: WaveProgress): number =>
  Math.max(0, total - finished - waiting - unreached);

interface WaveProps {
  wave: WaveProgress;
  /** Of devices that are under way, in which state they are; undefined: not known of this wave alone. */
  steps: StateCounts | undefined;
  watchedUntil: string | null;
}

function Wave({ wave, steps, watchedUntil }: WaveProps): ReactNode {
  const { index, state, total, finished, succeeded, cancelled, unreached } = wave;
  const { failed } = failuresOf(wave);
  const number = index + 1;
  return (
    <li className={`wave is-${watchedUntil === null ? state : "watched"}`} aria-label={t`Wave ${number}`}>
      <div className="wave-head">
        <span className="wave-name">{t`Wave ${number}`}</span>
        <StateBadge words={waveStanding(wave)} />
      </div>
      <div
        className="wave-bar"
        role="img"
        aria-label={t`${succeeded} succeeded, ${failed} did not, ${cancelled} cancelled, ${unreached} away, of ${total}`}
      >
        <div className="tone-ok" style={{ flexGrow: succeeded }} />
        <div className="tone-bad" style={{ flexGrow: failed }} />
        <div className="tone-idle" style={{ flexGrow: cancelled }} />
        <div className="away" style={{ flexGrow: unreached }} />
        <div className="open" style={{ flexGrow: Math.max(0, total - finished - unreached) }} />
      </div>
      <Numbers wave={wave} />
      {cancelled < total && <Lane wave={wave} steps={steps} />}
      {watchedUntil !== null && (
        <p className="wave-watched">
          <Icon name="clock" />
          <span>
            <Trans>
              Watched until <TimeToCome at={watchedUntil} />
            </Trans>
          </span>
        </p>
      )}
    </li>
  );
}

function Numbers({ wave }: Pick<WaveProps, "wave">): ReactNode {
  const { total, cancelled, unreached } = wave;
  const failures = failuresOf(wave);
  const percent = sharePercent(failures) ?? 0;
  const finished = count(wave.finished);
  const failed = count(failures.failed);
  return (
    <p className="wave-numbers">
      <strong>
        {cancelled < total
          ? t`${finished} / ${plural(total, { one: "# device", other: "# devices" })}`
          : plural(total, { one: "# device", other: "# devices" })}
      </strong>
      {failures.failed > 0 && <span className="tone-bad wave-failed">{t`${failed} not updated (${percent} %)`}</span>}
      {unreached > 0 && <span className="tone-idle">{plural(unreached, { one: "# away", other: "# away" })}</span>}
      {cancelled > 0 && (
        <span className="tone-idle">{plural(cancelled, { one: "# cancelled", other: "# cancelled" })}</span>
      )}
    </p>
  );
}

interface Station {
  label: string;
  devices: number;
  tone: Tone;
}

/** Stations of a device's way, those before the end in their order. */
function stationsOf(wave: WaveProgress, steps: StateCounts | undefined): Station[] {
  const { failed } = failuresOf(wave);
  const between: Station[] =
    steps === undefined
      ? [{ label: t`under way`, devices: underWay(wave), tone: "busy" }]
      : [
          { label: t`offered`, devices: steps.offered, tone: "busy" },
          { label: t`downloading`, devices: steps.downloading + steps.verifying, tone: "busy" },
          { label: t`on trial`, devices: steps.installed + steps.rebooting + steps.testing, tone: "busy" },
        ];
  return [
    { label: t`waiting`, devices: wave.waiting, tone: "idle" },
    ...between,
    { label: t`confirmed`, devices: wave.succeeded, tone: "ok" },
    { label: t`failed`, devices: failed, tone: "bad" },
  ];
}

/** Where the devices of a wave are on their way. */
function Lane({ wave, steps }: Pick<WaveProps, "wave" | "steps">): ReactNode {
  const number = wave.index + 1;
  return (
    <ol className="lane" role="list" aria-label={t`Where the devices of wave ${number} are`}>
      {stationsOf(wave, steps).map(({ label, devices, tone }) => (
        <li key={label} className={devices === 0 ? "is-empty" : `tone-${tone}`}>
          <strong>{count(devices)}</strong> {label}
        </li>
      ))}
    </ol>
  );
}
