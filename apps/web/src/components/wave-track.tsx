import type { ReactNode } from "react";
import { failuresOf, sharePercent } from "@flipside/api/rollout-arithmetic";
import type { WaveProgress } from "@flipside/api/types";
import { count, plural } from "../words/quantities.ts";
import { waveWords, wordsOf } from "../words/state-words.ts";
import { StateBadge } from "./state-badge.tsx";

/** The waves in order, each with how far it is: what has succeeded, what has not, what is still open. */
export const WaveTrack = ({ waves }: { waves: WaveProgress[] }): ReactNode => (
  <ol className="waves" role="list">
    {waves.map((wave) => {
      const failures = failuresOf(wave);
      const { failed } = failures;
      return (
        <li key={wave.index} className={`wave is-${wave.state}`} aria-label={`Wave ${wave.index + 1}`}>
          <div className="wave-head">
            <span className="wave-name">Wave {wave.index + 1}</span>
            <StateBadge words={wordsOf(waveWords, wave.state)} />
          </div>
          <div
            className="wave-bar"
            role="img"
            aria-label={`${wave.succeeded} succeeded, ${failed} did not, ${wave.cancelled} were cancelled, of ${wave.total}`}
          >
            <div className="tone-ok" style={{ flexGrow: wave.succeeded }} />
            <div className="tone-bad" style={{ flexGrow: failed }} />
            <div className="tone-idle" style={{ flexGrow: wave.cancelled }} />
            <div className="open" style={{ flexGrow: Math.max(0, wave.total - wave.finished) }} />
          </div>
          <p className="wave-numbers">
            <strong>
              {count(wave.finished)} / {plural(wave.total, "device")}
            </strong>
            {failed > 0 && (
              <span className="tone-bad wave-failed">
                {count(failed)} not updated ({sharePercent(failures)} %)
              </span>
            )}
            {wave.cancelled > 0 && <span className="tone-idle">{count(wave.cancelled)} cancelled</span>}
          </p>
        </li>
      );
    })}
  </ol>
);
