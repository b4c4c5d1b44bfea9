// What a rollout's health gate has seen: devices that failed, updated ones beside those that wait.

import type { ReactNode } from "react";
import type { HealthTest } from "@flipside/api/types";
import { asSentence, count } from "../words/quantities.ts";

type Arm = HealthTest["updated"];

const share = ({ failed, atRisk }: Arm): string => `${count(failed)} of ${count(failed + atRisk)}`;

/** How far the evidence has come, in words. */
function verdict({ odds, oddsNeeded, lookedAt }: HealthTest): string {
  if (lookedAt === null) return "Nothing has failed yet.";
  if (odds >= oddsNeeded) return "More than chance explains.";
  return `Chance explains it: evidence of ${odds.toFixed(1)} to 1, of ${count(Math.round(oddsNeeded))} to 1 that are asked for.`;
}

export function HealthTests({ tests }: { tests: readonly HealthTest[] }): ReactNode {
  return (
    <section className="panel" aria-labelledby="health-heading">
      <h2 id="health-heading">Health</h2>
      <p className="muted">Updated devices beside those that wait for their update; each counts once.</p>
      <ul className="log" role="list">
        {tests.map((test) => (
          <li key={test.failure}>
            <span className="log-head">{asSentence(test.failure)}</span>
            <span className="log-detail">
              {share(test.updated)} updated devices, {share(test.others)} others. {verdict(test)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
