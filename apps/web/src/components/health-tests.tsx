// What a rollout's health gate has seen: devices that failed, updated ones beside those that wait.

import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import type { HealthTest } from "@flipside/api/types";
import { asSentence, count } from "../words/quantities.ts";

type Arm = HealthTest["updated"];

const failedOf = ({ failed, atRisk }: Arm): [failed: string, all: string] => [count(failed), count(failed + atRisk)];

/** How far the evidence has come, in words. */
function verdict({ odds, oddsNeeded, lookedAt }: HealthTest): string {
  if (lookedAt === null) return t`Nothing has failed yet.`;
  if (odds >= oddsNeeded) return t`More than chance explains.`;
  const [evidence, needed] = [odds.toFixed(1), count(Math.round(oddsNeeded))];
  return t`Chance explains it: evidence of ${evidence} to 1, of ${needed} to 1 that are asked for.`;
}

function evidenceText(test: HealthTest): string {
  const [[updatedFailed, updated], [othersFailed, others]] = [failedOf(test.updated), failedOf(test.others)];
  const conclusion = verdict(test);
  return t`${updatedFailed} of ${updated} updated devices, ${othersFailed} of ${others} others. ${conclusion}`;
}

export function HealthTests({ tests }: { tests: readonly HealthTest[] }): ReactNode {
  return (
    <section className="panel" aria-labelledby="health-heading">
      <h2 id="health-heading">{t`Health`}</h2>
      <p className="muted">{t`Updated devices beside those that wait for their update; each counts once.`}</p>
      <ul className="log" role="list">
        {tests.map((test) => (
          <li key={test.failure}>
            <span className="log-head">{asSentence(test.failure)}</span>
            <span className="log-detail">{evidenceText(test)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
