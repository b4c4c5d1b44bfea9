// The device is a member of a fleet: how its connection stands, and where it is seen there.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ReactNode, useEffect, useRef } from "react";
import { devicePath, newRolloutFor } from "../../router.ts";
import { dates } from "../../words/quantities.ts";
import type { FleetView, Snapshot } from "../snapshot.ts";
import { ConsoleLink } from "./console-link.tsx";

interface Standing {
  label: string;
  tone: string;
  what: string;
}

const standings: Record<FleetView["connection"], Standing> = {
  none: { label: t`Not connected`, tone: "busy", what: t`It starts, and connects by itself.` },
  connecting: { label: t`Connecting`, tone: "busy", what: t`It opens a connection to the fleet’s server.` },
  connected: { label: t`Connecting`, tone: "busy", what: t`Device and server prove themselves to each other.` },
  proven: {
    label: t`Connected`,
    tone: "ok",
    what: t`Device and server have proved themselves to each other. Roll a release out to it, and pull its power meanwhile.`,
  },
  lost: {
    label: t`Connection lost`,
    tone: "warn",
    what: t`Is the server up? The device tries again by itself, after half a minute at most.`,
  },
  refused: {
    label: t`Refused`,
    tone: "bad",
    what: t`The server does not let it in: its claim is over, or the device was revoked. It tries again by itself.`,
  },
};
const powerless: Standing = {
  label: t`Not connected`,
  tone: "idle",
  what: t`Its power is off. Power it on, and it connects again.`,
};
const inRecovery: Standing = {
  label: t`Not connected`,
  tone: "bad",
  what: t`Nothing of it can be started, so nothing connects. Leave the fleet, and join as another device.`,
};

function standingOf({ isOn, phase, fleet }: Snapshot): Standing {
  if (!isOn) return powerless;
  return phase === "recovery" ? inRecovery : standings[fleet!.connection];
}

interface Props {
  deviceId: string;
  snapshot: Snapshot;
  leave: () => void;
}

export function JoinedPanel({ deviceId, snapshot, leave }: Props): ReactNode {
  const heading = useRef<HTMLHeadingElement>(null);
  // The button that led here is gone.
  useEffect(() => heading.current?.focus(), []);
  const { label, tone, what } = standingOf(snapshot);
  const since = new Date(snapshot.fleet!.sinceMs).toLocaleTimeString(dates);
  return (
    <section className="panel joined" aria-labelledby="joined-title">
      <h2 id="joined-title" ref={heading} tabIndex={-1}>
        {t`In the fleet`}
      </h2>
      <p className="joined-id">
        <bdi>{deviceId}</bdi>
      </p>
      <p role="status" className={`joined-state tone-${tone}`}>
        <Trans>
          <strong>{label}</strong> since {since}. {what}
        </Trans>
      </p>
      <ul className="joined-links" role="list">
        <li>
          <ConsoleLink href={devicePath(deviceId)}>{t`See it in the console`}</ConsoleLink>
        </li>
        <li>
          <ConsoleLink href={newRolloutFor(`id = ${deviceId}`)}>{t`Roll a release out to it`}</ConsoleLink>
        </li>
      </ul>
      <button type="button" className="button" onClick={leave}>
        {t`Leave the fleet`}
      </button>
      <p className="hint">
        <Trans>
          Its time goes by as yours does, and the speed is that of its link. Leaving, or closing this tab, ends the
          device with its keys; the fleet then keeps it as away.
        </Trans>
      </p>
    </section>
  );
}
