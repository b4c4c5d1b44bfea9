import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import type { Why } from "@flipside/api/types";
import { useResource } from "../live/hooks.ts";
import type { Resource } from "../live/resource.ts";
import { asSentence } from "../words/quantities.ts";
import { Icon } from "./icon.tsx";
import { TimeToCome } from "./time-ago.tsx";

/** What is waited for, since when and until when, and what can be done. Nothing until that is known. */
export function WhyLine({ resource }: { resource: Resource<Why> }): ReactNode {
  const { value: why } = useResource(resource);
  if (why === undefined) return null;
  const { sentence, actions } = why;
  return (
    <p className="why">
      <Icon name="clock" />
      <span>
        {asSentence(sentence)} <WhyTimes why={why} />
        {actions.length > 0 && <Actions actions={actions} />}
      </span>
    </p>
  );
}

function Actions({ actions }: Pick<Why, "actions">): ReactNode {
  const words = actions.reduce((before, next) => t`${before}, or ${next}`);
  return <Trans>You can {words}.</Trans>;
}

function WhyTimes({ why: { since, until } }: { why: Why }): ReactNode {
  if (since === null && until === null) return null;
  return (
    <>
      {until === null ? (
        <Trans>
          Since <TimeToCome at={since!} />.
        </Trans>
      ) : since === null ? (
        <Trans>
          At the latest until <TimeToCome at={until} />.
        </Trans>
      ) : (
        <Trans>
          Since <TimeToCome at={since} />, at the latest until <TimeToCome at={until} />.
        </Trans>
      )}{" "}
    </>
  );
}
