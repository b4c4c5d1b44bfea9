// Which rollouts end when the one that is being made starts.

import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { mayAct } from "@flipside/api/rollout-transitions";
import type { Release } from "@flipside/api/types";
import { useFleet, useResource } from "../live/hooks.ts";
import type { RolloutDraft } from "../rollout-draft.ts";

interface Props {
  draft: RolloutDraft;
  change: (part: Partial<RolloutDraft>) => void;
  releases: readonly Release[];
}

/** Offers those of the same product that are not over. */
export function SupersedeField({ draft, change, releases }: Props): ReactNode {
  const { value: rollouts } = useResource(useFleet().rollouts);
  const productOf = new Map(releases.map(({ id, product }) => [id, product]));
  const open = [...(rollouts?.values() ?? [])].filter(
    ({ state, releaseId }) => mayAct(state, "give-way") && productOf.get(releaseId) === productOf.get(draft.releaseId),
  );
  if (open.length === 0) return null;
  const toggled = (id: string): ReadonlySet<string> => {
    const supersedes = new Set(draft.supersedes);
    if (!supersedes.delete(id)) supersedes.add(id);
    return supersedes;
  };
  return (
    <fieldset className="choices">
      <legend>
        <Trans>Supersedes</Trans>
      </legend>
      {open.map(({ id, name, version }) => (
        <label key={id} className="choice">
          <input
            type="checkbox"
            checked={draft.supersedes.has(id)}
            onChange={() => change({ supersedes: toggled(id) })}
          />
          <span>
            <bdi>{name}</bdi> <span className="muted">({version})</span>
          </span>
        </label>
      ))}
      <p className="hint">
        <Trans>
          Such a rollout ends when this one starts. Who waits in it gets nothing from it any more; devices that are at
          work on it go on to their end.
        </Trans>
      </p>
    </fieldset>
  );
}
