// A device that lives by itself, as an agent does: it connects, polls, takes what it is offered, and begins anew when
// its connection breaks, or the server does not know its session. It notes what it did, for whoever judges it.

import type { MqttClient } from "mqtt";
import { type Offer, type ProtocolDevice, SessionUnknown } from "../protocol-device.ts";

const againMs = 100;
/** An agent says something every poll, whatever it waits for; so it hears that its session is over. */
const signOfLifeEveryMs = 500;

export interface Life {
  device: ProtocolDevice;
  /** Deployments and attempts that it was offered. */
  offered: Set<string>;
  /** One for each image that it has written entirely and started. */
  started: string[];
  /** When each of its sessions had its first answer to a check-in. */
  sessionsAt: number[];
  /** Resolves when it has ended. */
  stop(): Promise<void>;
}

/** `pauseMs`: between two steps of an update, so that others have theirs in between. */
export function live(
  device: ProtocolDevice,
  release: { version: string; releaseSequence: number },
  { pollMs, pauseMs }: { pollMs: number; pauseMs: number },
): Life {
  let isStopped = false;
  /** Kept over connections, as flash is: what is written entirely and not started yet. */
  let written: string | undefined;
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  async function take(offer: Offer): Promise<void> {
    const name = `${offer.deployment} ${offer.attempt}`;
    const { client } = device;
    // What waited for an answer of a connection that is over goes no further: another one takes it up.
    const goOn = (): void => {
      if (device.client !== client || client?.connected !== true) throw new Error("the connection is over");
    };
    life.offered.add(name);
    if (written !== name) {
      await pause(pauseMs);
      goOn();
      await device.install(offer);
      goOn();
      written = name;
      await pause(pauseMs);
      goOn();
    }
    written = undefined;
    life.started.push(name);
    device.reboot(true, release.version, release.releaseSequence);
  }

  /** Ends with the connection: what was on its way then is answered by nobody. */
  async function session(): Promise<void> {
    await device.connect();
    const { client } = device;
    const closed = new Promise<void>((resolve) => client!.once("close", () => resolve()));
    const signs = setInterval(() => sayAlive(client!), signOfLifeEveryMs);
    await Promise.race([closed, talkOn()]).finally(() => clearInterval(signs));
    client!.end(true);
  }

  function sayAlive(client: MqttClient): void {
    if (device.client !== client || !client.connected) return;
    device.say("telemetry", { uptimeMs: 1, health: "healthy" }, 0).catch(() => {});
  }

  /** On the same connection, one session after the other. */
  async function talkOn(): Promise<void> {
    const { client } = device;
    for (;;) {
      try {
        return await talk();
      } catch (error) {
        if (!(error instanceof SessionUnknown) || device.client !== client) throw error;
      }
    }
  }

  async function talk(): Promise<void> {
    const { client } = device;
    await device.prove();
    let offer = await device.checkIn();
    life.sessionsAt.push(performance.now());
    for (;;) {
      if (offer.deployment !== undefined) await take(offer);
      else await pause(pollMs);
      // While it paused another connection may have begun, which talks by itself.
      if (isStopped || device.client !== client || client?.connected !== true) return;
      offer = await device.checkIn();
    }
  }

  async function run(): Promise<void> {
    while (!isStopped) {
      await session().catch(() => {});
      device.cut();
      await pause(againMs);
    }
  }

  device.heedsUnknownSession = true;
  const running = run();
  const life: Life = {
    device,
    offered: new Set(),
    started: [],
    sessionsAt: [],
    async stop() {
      isStopped = true;
      device.cut();
      await running;
    },
  };
  return life;
}
