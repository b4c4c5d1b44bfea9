// A release is withdrawn: its rollouts are cancelled, one after the other, and it is archived.

import { type ReactNode, useState } from "react";
import type { Release, RolloutSummary } from "@flipside/api/types";
import { archiveRelease } from "../api/releases.ts";
import { actOnRollout } from "../api/rollouts.ts";
import { useFleet, useResource } from "../live/hooks.ts";
import { rolloutPath } from "../router.ts";
import { plural } from "../words/quantities.ts";
import { withdrawnWords } from "../words/withdrawal-words.ts";
import { ActButton, useRefusal } from "./act.tsx";
import { ConfirmDialog } from "./dialog.tsx";
import { Icon } from "./icon.tsx";
import { Link } from "./link.tsx";

/** Of a release that rollouts are bringing to devices. */
export function WithdrawRelease({ release }: { release: Release }): ReactNode {
  const fleet = useFleet();
  const [asking, setAsking] = useState(false);
  const { value: rollouts } = useResource(fleet.rollouts);
  const mayNotCancel = useRefusal("rollouts:write");
  const open = [...(rollouts?.values() ?? [])].filter(
    ({ releaseId, state }) => releaseId === release.id && (state === "running" || state === "paused"),
  );
  if (open.length === 0) return null;
  const withdraw = async (): Promise<void> => {
    for (const { id } of open) await actOnRollout(id, "cancel");
    if (release.archivedAt === null) await archiveRelease(release.id);
  };
  return (
    <>
      <ActButton
        needs={mayNotCancel === undefined ? "releases:write" : "rollouts:write"}
        className="button danger-outline"
        onClick={() => setAsking(true)}
      >
        <Icon name="stop" /> Withdraw…
      </ActButton>
      {asking && (
        <ConfirmDialog
          title={`Withdraw ${release.product} ${release.version}?`}
          confirm="Withdraw release"
          dangerous
          action={withdraw}
          onClose={() => setAsking(false)}
        >
          <p>
            {plural(open.length, "rollout is", "rollouts are")} cancelled for good, and the release is archived: it
            can’t be rolled out until somebody takes it out of the archive.
          </p>
          <ul>
            {open.map((rollout) => (
              <li key={rollout.id}>
                <OneRollout rollout={rollout} />
              </li>
            ))}
          </ul>
          <p>Nobody goes back by this. To bring devices back, roll the rollout back instead.</p>
        </ConfirmDialog>
      )}
    </>
  );
}

const OneRollout = ({ rollout }: { rollout: RolloutSummary }): ReactNode => (
  <>
    <Link href={rolloutPath(rollout.id)}>
      <bdi>{rollout.name}</bdi>
    </Link>
    : {withdrawnWords(rollout).join(", ")}.
  </>
);
