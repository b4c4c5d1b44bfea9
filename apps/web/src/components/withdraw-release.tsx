// A release is withdrawn: its rollouts are cancelled, one after the other, and it is archived.

import { t } from "@lingui/core/macro";
import { Plural, Trans } from "@lingui/react/macro";
import { type ReactNode, useState } from "react";
import type { Release, RolloutSummary } from "@flipside/api/types";
import { archiveRelease } from "../api/releases.ts";
import { actOnRollout } from "../api/rollouts.ts";
import { useFleet, useResource } from "../live/hooks.ts";
import { rolloutPath } from "../router.ts";
import { joined } from "../words/listed.ts";
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
  const many = open.length;
  if (many === 0) return null;
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
        <Icon name="stop" /> <Trans>Withdraw…</Trans>
      </ActButton>
      {asking && (
        <ConfirmDialog
          title={withdrawWords(release)}
          confirm={t`Withdraw release`}
          dangerous
          action={withdraw}
          onClose={() => setAsking(false)}
        >
          <p>
            <Trans>
              <Plural value={many} one="# rollout is cancelled" other="# rollouts are cancelled" /> for good, and the
              release is archived: it can’t be rolled out until somebody takes it out of the archive.
            </Trans>
          </p>
          <ul>
            {open.map((rollout) => (
              <li key={rollout.id}>
                <OneRollout rollout={rollout} />
              </li>
            ))}
          </ul>
          <p>
            <Trans>Nobody goes back by this. To bring devices back, roll the rollout back instead.</Trans>
          </p>
        </ConfirmDialog>
      )}
    </>
  );
}

const withdrawWords = ({ product, version }: Release): string => t`Withdraw ${product} ${version}?`;

function OneRollout({ rollout }: { rollout: RolloutSummary }): ReactNode {
  const { id, name } = rollout;
  const effects = joined(withdrawnWords(rollout));
  return (
    <Trans>
      <Link href={rolloutPath(id)}>
        <bdi>{name}</bdi>
      </Link>
      : {effects}.
    </Trans>
  );
}
