import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import type { RolloutEstimate, RolloutSummary } from "@flipside/api/types";
import { getEstimate } from "../api/rollout-course.ts";
import { useFleet, useResource } from "../live/hooks.ts";
import { Icon } from "./icon.tsx";
import { TimeToCome } from "./time-ago.tsx";

/** When a rollout that runs is likely to end, and what that follows from; nothing until it is known. */
export function EstimateLine({ rollout: { id, state } }: { rollout: Pick<RolloutSummary, "id" | "state"> }): ReactNode {
  return state === "running" ? <Estimated id={id} /> : null;
}

function Estimated({ id }: { id: string }): ReactNode {
  const fleet = useFleet();
  const { value } = useResource(
    fleet.asked<RolloutEstimate>(`estimate ${id}`, {
      load: () => getEstimate(id),
      apply: (estimate) => estimate,
      showsUnstored: true,
      wantsReload: (_estimate, event) => event.kind === "rollout" && event.data.id === id,
    }),
  );
  if (value === undefined) return null;
  return (
    <p className="why">
      <Icon name="flask" />
      <span>
        {value.endsAt === null ? (
          <Trans>No estimate of its end.</Trans>
        ) : (
          <Trans>
            Estimated end: <TimeToCome at={value.endsAt} />.
          </Trans>
        )}{" "}
        {value.sentence}
      </span>
    </p>
  );
}
