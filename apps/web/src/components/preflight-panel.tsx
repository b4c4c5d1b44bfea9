import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import type { Preflight, PreflightProblem } from "@flipside/api/types";
import { leftOutWords, problemKindWords, waveWords } from "../words/preflight-words.ts";
import { count } from "../words/quantities.ts";
import { Icon } from "./icon.tsx";
import { TimeAgo } from "./time-ago.tsx";

const wavesShownMax = 10;

/** What the rollout would meet, as the server sees it now. */
export const PreflightPanel = ({ preflight }: { preflight: Preflight }): ReactNode => {
  const { problems, waves } = preflight;
  const unshown = count(waves.length - wavesShownMax);
  return (
    <section className="preflight" aria-label={t`What the rollout would meet`} role="status">
      {problems.length === 0 && (
        <p className="notice tone-ok">
          <Icon name="check" /> {t`Nothing is known that would stop or delay it.`}
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
      <ol role="list" aria-label={t`Its waves`}>
        {waves.slice(0, wavesShownMax).map((wave) => (
          <li key={wave.index}>
            <WaveMet wave={wave} />
          </li>
        ))}
        {waves.length > wavesShownMax && <li className="muted">{t`and ${unshown} more`}</li>}
      </ol>
    </section>
  );
};

function WaveMet({ wave }: { wave: Preflight["waves"][number] }): ReactNode {
  const [number, words, { filter }] = [wave.index + 1, waveWords(wave), wave];
  if (filter === null)
    return (
      <Trans>
        Wave {number}: <strong>{words}</strong>
      </Trans>
    );
  return (
    <Trans>
      Wave {number}: <strong>{words}</strong> as <code>{filter}</code>
    </Trans>
  );
}

const ProblemFound = ({ problem: { kind, sentence, todo } }: { problem: PreflightProblem }): ReactNode => {
  const { label, tone, icon } = problemKindWords[kind];
  return (
    <div className={`notice tone-${tone}`}>
      <Icon name={icon} />
      <div className="notice-body">
        <p>
          <Trans>
            <strong>{label}:</strong> <bdi>{sentence}</bdi>
          </Trans>
        </p>
        <p className="muted">{todo}</p>
      </div>
    </div>
  );
};

const devicesText = (devices: number): string => plural(devices, { one: "# device", other: "# devices" });

function chosenText(devices: number, all: number): string {
  if (devices === all) return devicesText(devices);
  const [chosen, matched] = [count(devices), count(all)];
  return t`${chosen} of ${matched}`;
}

function otherRolloutText({ name, waiting, underWay }: Preflight["otherRollouts"][number]): string {
  const devices = count(waiting + underWay);
  return t`${name} (${devices})`;
}

function offlineFact({ offline }: Pick<Preflight, "offline">): ReactNode {
  if (offline.longest === null) return undefined;
  const devices = devicesText(offline.count);
  const { deviceId, lastSeenAt } = offline.longest;
  if (lastSeenAt === null)
    return (
      <Trans>
        {devices}, the longest <bdi>{deviceId}</bdi>
      </Trans>
    );
  return (
    <Trans>
      {devices}, the longest <bdi>{deviceId}</bdi>, seen <TimeAgo at={lastSeenAt} />
    </Trans>
  );
}

const Numbers = ({ preflight }: { preflight: Preflight }): ReactNode => {
  const { matched, chosen, alreadyThere, newer, otherRollouts } = preflight;
  const leftOut = leftOutWords(preflight);
  const facts: [string, ReactNode][] = [
    [t`Devices`, chosenText(chosen, matched)],
    [t`Left out`, leftOut === "" ? undefined : leftOut],
    [t`There already`, alreadyThere === 0 ? undefined : devicesText(alreadyThere)],
    [t`Run something newer`, newer === 0 ? undefined : devicesText(newer)],
    [t`Offline`, offlineFact(preflight)],
    [t`In other rollouts`, otherRollouts.length === 0 ? undefined : otherRollouts.map(otherRolloutText).join(t`, `)],
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
