// What a rollout goes by, in sentences and as a table; changed by the button beside it.

import { type ReactNode, useState } from "react";
import { mayAct } from "@flipside/api/rollout-transitions";
import type { Rollout } from "@flipside/api/types";
import { duration, plural } from "../words/quantities.ts";
import { ruleSentences, waveGroups } from "../words/rule-sentences.ts";
import { ActButton } from "./act.tsx";
import { ChangeRulesDialog } from "./rules-dialog.tsx";
import { WaveRulesTable } from "./wave-rules.tsx";

interface Props {
  rollout: Rollout;
  onChanged: (rollout: Rollout) => void;
}

export function RolloutSettings({ rollout, onChanged }: Props): ReactNode {
  const [changing, setChanging] = useState(false);
  const { settings, state, archivedAt } = rollout;
  const mayChange = archivedAt === null && mayAct(state, "change-rules");
  return (
    <section className="panel" aria-labelledby="settings-heading">
      <h2 id="settings-heading">Settings</h2>
      <ul className="facts">
        {waveGroups(settings.rules).map(({ name, rules }) =>
          ruleSentences(rules, name).map((sentence) => <li key={`${name} ${sentence}`}>{sentence}</li>),
        )}
        {otherSentences(settings).map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      <WaveRulesTable settings={settings} />
      {mayChange ? (
        <div className="actions">
          <ActButton needs="rollouts:write" className="button small" onClick={() => setChanging(true)}>
            Edit rules
          </ActButton>
        </div>
      ) : (
        <p className="muted">
          {archivedAt === null ? "It is over: its rules can’t be changed any more." : "It is archived."}
        </p>
      )}
      {changing && <ChangeRulesDialog rollout={rollout} onChanged={onChanged} onClose={() => setChanging(false)} />}
    </section>
  );
}

const otherSentences = ({ lateOffersMs, allowOlder, acceptsClaimed, retries }: Rollout["settings"]): string[] => [
  lateOffersMs === 0
    ? "Who was away in its wave gets nothing when it comes back after the end."
    : `Who was away in its wave is offered the image when it comes back, up to ${duration(lateOffersMs)} after the end.`,
  ...(retries.length === 0
    ? []
    : [`${plural(retries.length, "kind of failure is", "kinds of failure are")} tried again.`]),
  ...(allowOlder ? ["Devices that run a newer release are offered it, too."] : []),
  ...(acceptsClaimed ? ["The word of devices that no agent of ours speaks for is enough."] : []),
];
