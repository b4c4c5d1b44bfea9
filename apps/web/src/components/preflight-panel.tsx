import type { ReactNode } from "react";
import type { Preflight, PreflightProblem } from "@flipside/api/types";
import { leftOutWords, problemKindWords, waveWords } from "../words/preflight-words.ts";
import { count, plural } from "../words/quantities.ts";
import { Icon } from "./icon.tsx";
import { TimeAgo } from "./time-ago.tsx";

const wavesShownMax = 10;

/** What the rollout would meet, as the server sees it now. */
export const PreflightPanel = ({ preflight }: { preflight: Preflight }): ReactNode => {
  const { problems, waves } = preflight;
  return (
    <section className="preflight" aria-label="What the rollout would meet" role="status">
      {problems.length === 0 && (
        <p className="notice tone-ok">
          <Icon name="check" /> Nothing is known that would stop or delay it.
        </p>
      )}
      <ul role="list">
        {problems.map((problem) => (
          <li key={problem.sentence}>
            <ProblemFound problem={problem} />
          </li>
        ))}
      </ul>
      <Numbers preflight={preflight} />
      <ol role="list" aria-label="Its waves">
        {waves.slice(0, wavesShownMax).map((wave) => (
          <li key={wave.index}>
            Wave {wave.index + 1}: <strong>{waveWords(wave)}</strong>
            {wave.filter !== null && (
              <>
                {" "}
                as <code>{wave.filter}</code>
              </>
            )}
          </li>
        ))}
        {waves.length > wavesShownMax && <li className="muted">and {count(waves.length - wavesShownMax)} more</li>}
      </ol>
    </section>
  );
};

const ProblemFound = ({ problem: { kind, sentence, todo } }: { problem: PreflightProblem }): ReactNode => {
  const { label, tone, icon } = problemKindWords[kind];
  return (
    <div className={`notice tone-${tone}`}>
      <Icon name={icon} />
      <div className="notice-body">
        <p>
          <strong>{label}:</strong> <bdi>{sentence}</bdi>
        </p>
        <p className="muted">{todo}</p>
      </div>
    </div>
  );
};

const Numbers = ({ preflight }: { preflight: Preflight }): ReactNode => {
  const { matched, chosen, alreadyThere, newer, offline, otherRollouts } = preflight;
  const leftOut = leftOutWords(preflight);
  const facts: [string, ReactNode][] = [
    ["Devices", matched === chosen ? plural(chosen, "device") : `${count(chosen)} of ${count(matched)}`],
    ["Left out", leftOut === "" ? undefined : leftOut],
    ["There already", alreadyThere === 0 ? undefined : plural(alreadyThere, "device")],
    ["Run something newer", newer === 0 ? undefined : plural(newer, "device")],
    [
      "Offline",
      offline.longest === null ? undefined : (
        <>
          {plural(offline.count, "device")}, the longest <bdi>{offline.longest.deviceId}</bdi>
          {offline.longest.lastSeenAt !== null && (
            <>
              , seen <TimeAgo at={offline.longest.lastSeenAt} />
            </>
          )}
        </>
      ),
    ],
    [
      "In other rollouts",
      otherRollouts.length === 0
        ? undefined
        : otherRollouts.map(({ name, waiting, underWay }) => `${name} (${count(waiting + underWay)})`).join(", "),
    ],
  ];
  return (
    <dl className="summary">
      {facts
        .filter(([, fact]) => fact !== undefined)
        .map(([term, fact]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{fact}</dd>
          </div>
        ))}
    </dl>
  );
};
