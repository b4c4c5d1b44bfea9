import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import type { RehearsalAnswer, RehearsedWorld } from "@flipside/api/types";
import { count, moment } from "../words/quantities.ts";
import { becomeWords, countWords, fleetWords, spanWords, worldTitles } from "../words/rehearsal-words.ts";
import { Digest } from "./digest.tsx";
import { Disclosure } from "./disclosure.tsx";

function supposedText(assumptions: number): string {
  const many = count(assumptions);
  return t`What was supposed (${many})`;
}

function HowMade({ answer, seed }: { answer: RehearsalAnswer; seed: number }): ReactNode {
  const [fleet, time] = [fleetWords(answer.fleet), moment(answer.modelledAt)];
  return (
    <Trans>
      {fleet}. Modelled {time}. Seed <code>{seed}</code> and model <Digest value={answer.modelDigest} /> give the same
      answer again.
    </Trans>
  );
}

function captionOf(title: string): string {
  const world = title.toLowerCase();
  return t`Its waves: ${world}`;
}

function Stopped({ gate, runs: all }: { gate: RehearsedWorld["gates"][number]; runs: number }): ReactNode {
  const { runs, reason } = gate;
  const span = spanWords(gate.at);
  return (
    <Trans>
      <strong>
        In {runs} of {all} runs, after {span}:
      </strong>{" "}
      <bdi>{reason}</bdi>
    </Trans>
  );
}

/** What came of a rehearsal: sentences first, numbers below, and what was supposed. */
export const RehearsalAnswerView = ({ answer, seed }: { answer: RehearsalAnswer; seed: number }): ReactNode => (
  <div className="rehearsal-answer">
    <ul role="list" className="rehearsal-conclusions">
      {answer.worlds.map(({ kind, conclusion }) => (
        <li key={kind}>
          <bdi>{conclusion}</bdi>
        </li>
      ))}
    </ul>
    {answer.worlds.map((world) => (
      <World key={world.kind} world={world} runs={answer.runs} />
    ))}
    <Disclosure label={supposedText(answer.assumptions.length)} held={false} startsOpen>
      <ul className="rehearsal-assumptions">
        {answer.assumptions.map((text) => (
          <li key={text}>
            <bdi>{text}</bdi>
          </li>
        ))}
      </ul>
    </Disclosure>
    <p className="muted rehearsal-made">
      <HowMade answer={answer} seed={seed} />
    </p>
  </div>
);

const World = ({ world, runs }: { world: RehearsedWorld; runs: number }): ReactNode => (
  <section aria-label={worldTitles[world.kind]} className="rehearsal-world">
    <h3>{worldTitles[world.kind]}</h3>
    <table className="rehearsal-waves">
      <caption className="visually-hidden">{captionOf(worldTitles[world.kind])}</caption>
      <thead>
        <tr>
          <th scope="col">{t`Wave`}</th>
          <th scope="col">{t`Devices`}</th>
          <th scope="col">{t`Starts after`}</th>
          <th scope="col">{t`Ends after`}</th>
        </tr>
      </thead>
      <tbody>
        {world.waves.map(({ index, total, starts, ends }) => (
          <tr key={index}>
            <th scope="row">{index + 1}</th>
            <td>{count(total)}</td>
            <td>{spanWords(starts)}</td>
            <td>{spanWords(ends)}</td>
          </tr>
        ))}
      </tbody>
    </table>
    {world.gates.map((gate) => (
      <p key={`${gate.state} ${gate.wave}`}>
        <Stopped gate={gate} runs={runs} />
      </p>
    ))}
    <dl className="rehearsal-devices">
      {becomeWords
        .filter(([name]) => world.devices[name].p90 > 0)
        .map(([name, words]) => (
          <div key={name}>
            <dt>{words}</dt>
            <dd>{countWords(world.devices[name])}</dd>
          </div>
        ))}
    </dl>
  </section>
);
