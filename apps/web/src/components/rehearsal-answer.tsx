import type { ReactNode } from "react";
import type { RehearsalAnswer, RehearsedWorld } from "@flipside/api/types";
import { count, moment } from "../words/quantities.ts";
import { becomeWords, countWords, fleetWords, spanWords, worldTitles } from "../words/rehearsal-words.ts";
import { Digest } from "./digest.tsx";
import { Disclosure } from "./disclosure.tsx";

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
    <Disclosure label={`What was supposed (${count(answer.assumptions.length)})`} held={false} startsOpen>
      <ul className="rehearsal-assumptions">
        {answer.assumptions.map((text) => (
          <li key={text}>
            <bdi>{text}</bdi>
          </li>
        ))}
      </ul>
    </Disclosure>
    <p className="muted rehearsal-made">
      {fleetWords(answer.fleet)}. Modelled {moment(answer.modelledAt)}. Seed <code>{seed}</code> and model{" "}
      <Digest value={answer.modelDigest} /> give the same answer again.
    </p>
  </div>
);

const World = ({ world, runs }: { world: RehearsedWorld; runs: number }): ReactNode => (
  <section aria-label={worldTitles[world.kind]} className="rehearsal-world">
    <h3>{worldTitles[world.kind]}</h3>
    <table className="rehearsal-waves">
      <caption className="visually-hidden">Its waves: {worldTitles[world.kind].toLowerCase()}</caption>
      <thead>
        <tr>
          <th scope="col">Wave</th>
          <th scope="col">Devices</th>
          <th scope="col">Starts after</th>
          <th scope="col">Ends after</th>
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
    {world.gates.map(({ state, wave, runs: ofRuns, reason, at }) => (
      <p key={`${state} ${wave}`}>
        <strong>
          In {ofRuns} of {runs} runs, after {spanWords(at)}:
        </strong>{" "}
        <bdi>{reason}</bdi>
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
