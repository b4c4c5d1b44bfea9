// What a device knows of the newest release, and whether it has noticed that somebody keeps it from it.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import type { Device } from "@flipside/api/types";
import { releaseStateWords } from "../words/release-state-words.ts";
import { StateBadge } from "./state-badge.tsx";
import { TimeAgo, TimeToCome } from "./time-ago.tsx";

export function KnownReleaseState({ state }: { state: NonNullable<Device["releaseState"]> }): ReactNode {
  const { releaseSequence, issuedAt, validUntil, warning } = state;
  return (
    <>
      {releaseSequence === null ? t`none` : t`sequence ${releaseSequence}`}
      {issuedAt && (
        <div className="sub">
          <Trans>
            signed <TimeAgo at={issuedAt} />
          </Trans>
        </div>
      )}
      {validUntil && (
        <div className="sub">
          <Trans>
            to be believed until <TimeToCome at={validUntil} />
          </Trans>
        </div>
      )}
      {warning && (
        <div className="sub">
          <StateBadge words={releaseStateWords[warning]} /> {releaseStateWords[warning].means}
        </div>
      )}
    </>
  );
}
