// Check-ins, telemetry and crash logs: what devices say of themselves.

import { isDeepStrictEqual } from "node:util";
import type { DeviceTable } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import type { DeviceLog } from "../devices/device-log.ts";
import type { LastSeen } from "../devices/last-seen.ts";
import type { EventHub } from "../events/event-hub.ts";
import type { Offers } from "../rollouts/offers.ts";
import type { Rollouts } from "../rollouts/rollouts.ts";
import type { CheckIn } from "../sessions/messages.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";

export interface CheckIns {
  take(session: Session, checkIn: CheckIn): Promise<void>;
  telemetry(deviceId: string, telemetry: { health: CheckIn["health"]; metric?: string | undefined; value?: number | undefined }): Promise<void>;
  crash(deviceId: string, crash: Record<string, unknown>): void;
}

function columnsOf(checkIn: CheckIn): Partial<DeviceTable> {
  const { running, other } = checkIn;
  return {
    product: checkIn.product,
    hardware: checkIn.hardware,
    revision: checkIn.revision,
    loaderVersion: checkIn.loader,
    trustVersion: checkIn.trust,
    securityFloor: checkIn.floor,
    slotBytes: checkIn.slotBytes,
    bootCounter: checkIn.boot,
    bootReason: checkIn.bootReason,
    health: checkIn.health,
    running: JSON.stringify(running),
    other: JSON.stringify(other),
  };
}

export function createCheckIns(options: {
  storage: Storage;
  sessions: Sessions;
  lastSeen: LastSeen;
  deviceLog: DeviceLog;
  events: EventHub;
  rollouts: () => Rollouts;
  offers: () => Offers;
}): CheckIns {
  const { storage, sessions, deviceLog, events } = options;

  /** Writes what differs; most check-ins say nothing new and write nothing. */
  async function update(deviceId: string, columns: Partial<DeviceTable>, running?: CheckIn["running"]): Promise<void> {
    const row = await storage.db.selectFrom("devices").selectAll().where("id", "=", deviceId).executeTakeFirst();
    if (row === undefined) return;
    const differing = Object.fromEntries(Object.entries(columns).filter(([name, value]) => !isDeepStrictEqual(row[name as keyof typeof row], value)));
    if (Object.keys(differing).length === 0) return;
    await storage.transaction(async ({ db, afterCommit }) => {
      await db.updateTable("devices").set(differing).where("id", "=", deviceId).execute();
      if (running !== undefined) {
        const { digest, version } = running;
        await db.insertInto("namedVersions").values({ digest, version }).onConflict((conflict) => conflict.doNothing()).execute();
      }
      afterCommit(() => events.changed("device", deviceId));
    });
  }

  return {
    async take(session, checkIn) {
      const { deviceId } = session;
      if (!sessions.admitNewer(session, checkIn.boot, checkIn.sequence)) {
        deviceLog.add(deviceId, "refused-message", `check-in ignored: (${checkIn.boot}, ${checkIn.sequence}) is not newer than what came before`);
        return;
      }
      if (checkIn.bootControl === "rebuilt" && checkIn.sequence === 1) {
        deviceLog.add(deviceId, "boot-control", "the boot-control log was lost and made anew from what the slots hold");
      }
      await sessions.contacted(session);
      await update(deviceId, columnsOf(checkIn), checkIn.running);
      await options.rollouts().checkedIn(deviceId, checkIn);
      await options.offers().answer(deviceId);
    },
    async telemetry(deviceId, { health, metric, value }) {
      await update(deviceId, { health, ...(metric !== undefined && value !== undefined ? { metricName: metric, metricValue: value } : {}) });
    },
    crash(deviceId, crash) {
      const parts = Object.entries(crash)
        .filter(([name]) => name !== "kind")
        .map(([name, value]) => `${name} ${value}`);
      deviceLog.add(deviceId, "crash", `${crash["kind"]}: ${parts.join(", ")}`);
      events.changed("device", deviceId);
    },
  };
}
