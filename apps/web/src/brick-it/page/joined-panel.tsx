// The device is a member of a fleet: how its connection stands, and where it is seen there.

import { type ReactNode, useEffect, useRef } from "react";
import { devicePath, newRolloutFor } from "../../router.ts";
import type { FleetView, Snapshot } from "../snapshot.ts";
import { ConsoleLink } from "./console-link.tsx";

interface Standing {
  label: string;
  tone: string;
  what: string;
}

const standings: Record<FleetView["connection"], Standing> = {
  none: { label: "Not connected", tone: "busy", what: "It starts, and connects by itself." },
  connecting: { label: "Connecting", tone: "busy", what: "It opens a connection to the fleet’s server." },
  connected: { label: "Connecting", tone: "busy", what: "Device and server prove themselves to each other." },
  proven: {
    label: "Connected",
    tone: "ok",
    what: "Device and server have proved themselves to each other. Roll a release out to it, and pull its power meanwhile.",
  },
  lost: {
    label: "Connection lost",
    tone: "warn",
    what: "Is the server up? The device tries again by itself, after half a minute at most.",
  },
  refused: {
    label: "Refused",
    tone: "bad",
    what: "The server does not let it in: its claim is over, or the device was revoked. It tries again by itself.",
  },
};
const powerless: Standing = {
  label: "Not connected",
  tone: "idle",
  what: "Its power is off. Power it on, and it connects again.",
};
const inRecovery: Standing = {
  label: "Not connected",
  tone: "bad",
  what: "Nothing of it can be started, so nothing connects. Leave the fleet, and join as another device.",
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
  const since = new Date(snapshot.fleet!.sinceMs).toLocaleTimeString("en");
  return (
    <section className="panel joined" aria-labelledby="joined-title">
      <h2 id="joined-title" ref={heading} tabIndex={-1}>
        In the fleet
      </h2>
      <p className="joined-id">
        <bdi>{deviceId}</bdi>
      </p>
      <p role="status" className={`joined-state tone-${tone}`}>
        <strong>{label}</strong> since {since}. {what}
      </p>
      <ul className="joined-links" role="list">
        <li>
          <ConsoleLink href={devicePath(deviceId)}>See it in the console</ConsoleLink>
        </li>
        <li>
          <ConsoleLink href={newRolloutFor(`id = ${deviceId}`)}>Roll a release out to it</ConsoleLink>
        </li>
      </ul>
      <button type="button" className="button" onClick={leave}>
        Leave the fleet
      </button>
      <p className="hint">
        Its time goes by as yours does, and the speed is that of its link. Leaving, or closing this tab, ends the device
        with its keys; the fleet then keeps it as away.
      </p>
    </section>
  );
}
