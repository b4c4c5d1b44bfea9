import type { ReactNode } from "react";
import { failuresOf, sharePercent, watchedWave } from "@flipside/api/rollout-arithmetic";
import type { RolloutSummary, StateCounts, WaveProgress } from "@flipside/api/types";
import { count, plural } from "../words/quantities.ts";
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
  const failures = failuresOf(wave);
  const { failed } = failures;
  return (
    <li className={`wave is-${watchedUntil === null ? state : "watched"}`} aria-label={`Wave ${index + 1}`}>
      <div className="wave-head">
        <span className="wave-name">Wave {index + 1}</span>
        <StateBadge words={waveStanding(wave)} />
      </div>
      <div
        className="wave-bar"
        role="img"
        aria-label={`${succeeded} succeeded, ${failed} did not, ${cancelled} cancelled, ${unreached} away, of ${total}`}
      >
        <div className="tone-ok" style={{ flexGrow: succeeded }} />
        <div className="tone-bad" style={{ flexGrow: failed }} />
        <div className="tone-idle" style={{ flexGrow: cancelled }} />
        <div className="away" style={{ flexGrow: unreached }} />
        <div className="open" style={{ flexGrow: Math.max(0, total - finished - unreached) }} />
      </div>
      <p className="wave-numbers">
        <strong>
          {cancelled < total && `${count(finished)} / `}
          {plural(total, "device")}
        </strong>
        {failed > 0 && (
          <span className="tone-bad wave-failed">
            {count(failed)} not updated ({sharePercent(failures)} %)
          </span>
        )}
        {unreached > 0 && <span className="tone-idle">{count(unreached)} away</span>}
        {cancelled > 0 && <span className="tone-idle">{count(cancelled)} cancelled</span>}
      </p>
      {cancelled < total && <Lane wave={wave} steps={steps} />}
      {watchedUntil !== null && (
        <p className="wave-watched">
          <Icon name="clock" />
          <span>
            Watched until <TimeToCome at={watchedUntil} />
          </span>
        </p>
      )}
    </li>
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
      ? [{ label: "under way", devices: underWay(wave), tone: "busy" }]
      : [
          { label: "offered", devices: steps.offered, tone: "busy" },
          { label: "downloading", devices: steps.downloading + steps.verifying, tone: "busy" },
          { label: "on trial", devices: steps.installed + steps.rebooting + steps.testing, tone: "busy" },
        ];
  return [
    { label: "waiting", devices: wave.waiting, tone: "idle" },
    ...between,
    { label: "confirmed", devices: wave.succeeded, tone: "ok" },
    { label: "failed", devices: failed, tone: "bad" },
  ];
}

/** Where the devices of a wave are on their way. */
const Lane = ({ wave, steps }: Pick<WaveProps, "wave" | "steps">): ReactNode => (
  <ol className="lane" role="list" aria-label={`Where the devices of wave ${wave.index + 1} are`}>
    {stationsOf(wave, steps).map(({ label, devices, tone }) => (
      <li key={label} className={devices === 0 ? "is-empty" : `tone-${tone}`}>
        <strong>{count(devices)}</strong> {label}
      </li>
    ))}
  </ol>
);
