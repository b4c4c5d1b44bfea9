// What a rollout goes by, in sentences and as a table; changed by the button beside it.

import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useState } from "react";
import { mayAct } from "@flipside/api/rollout-transitions";
import type { Rollout } from "@flipside/api/types";
import { duration } from "../words/quantities.ts";
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
      <h2 id="settings-heading">
        <Trans>Settings</Trans>
      </h2>
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
            <Trans>Edit rules</Trans>
          </ActButton>
        </div>
      ) : (
        <p className="muted">
          {archivedAt === null ? t`It is over: its rules can’t be changed any more.` : t`It is archived.`}
        </p>
      )}
      {changing && <ChangeRulesDialog rollout={rollout} onChanged={onChanged} onClose={() => setChanging(false)} />}
    </section>
  );
}

function otherSentences({ lateOffersMs, allowOlder, acceptsClaimed, retries }: Rollout["settings"]): string[] {
  const time = duration(lateOffersMs);
  const kinds = retries.length;
  return [
    lateOffersMs === 0
      ? t`Who was away in its wave gets nothing when it comes back after the end.`
      : t`Who was away in its wave is offered the image when it comes back, up to ${time} after the end.`,
    ...(kinds === 0
      ? []
      : [
          plural(kinds, {
            one: "# kind of failure is tried again.",
            other: "# kinds of failure are tried again.",
          }),
        ]),
    ...(allowOlder ? [t`Devices that run a newer release are offered it, too.`] : []),
    ...(acceptsClaimed ? [t`The word of devices that no agent of ours speaks for is enough.`] : []),
  ];
}
