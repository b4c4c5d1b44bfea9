import type { ReactNode } from "react";
import { failuresOf, sharePercent, watchedWave } from "@flipside/api/rollout-arithmetic";
import type { RolloutSummary, WaveProgress } from "@flipside/api/types";
import { count, plural } from "../words/quantities.ts";
import { waveStanding } from "../words/state-words.ts";
import { Icon } from "./icon.tsx";
import { StateBadge } from "./state-badge.tsx";
import { TimeToCome } from "./time-ago.tsx";

/** The waves in order, each with how far it is: what has succeeded, what has not, who is away, what is still open. */
export function WaveTrack({
  rollout,
}: {
  rollout: Pick<RolloutSummary, "currentWave" | "soakUntil" | "waves">;
}): ReactNode {
  const watched = watchedWave(rollout);
  return (
    <ol className="waves" role="list">
      {rollout.waves.map((wave) => (
        <Wave key={wave.index} wave={wave} watchedUntil={wave === watched ? rollout.soakUntil : null} />
      ))}
    </ol>
  );
}

function Wave({ wave, watchedUntil }: { wave: WaveProgress; watchedUntil: string | null }): ReactNode {
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
