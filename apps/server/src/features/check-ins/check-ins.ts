// Check-ins, telemetry and crash logs: what devices say of themselves.

import { isDeepStrictEqual } from "node:util";
import { bootPhaseNames, errorName } from "@flipside/image-format";
import type { CheckIn } from "@flipside/protocol/messages";
import type { DeviceTable } from "../../storage/schema.ts";
import { preparedByShape } from "../../storage/prepared.ts";
import type { Storage } from "../../storage/storage.ts";
import type { CommandChannel } from "../commands/command-channel.ts";
import type { Commands } from "../commands/commands.ts";
import type { ConfigurationFollowing } from "../configuration/following.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import type { LastSeen } from "../device-records/last-seen.ts";
import type { Feed } from "../../changes/feed.ts";
import type { Evidence } from "../deployments/evidence.ts";
import type { Memory } from "../deployments/memory.ts";
import type { Offers } from "../deployments/offers.ts";
import type { HealthWatch } from "../health/health-watch.ts";
import type { MetricHistory } from "../metric-history/metric-history.ts";
import type { Measured } from "../sessions/measurement.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
import { isInConflict } from "../device-records/board-trail.ts";
import type { BoardTrails } from "./board-trails.ts";
import { NamedVersions } from "./named-versions.ts";
import type { Trust } from "../trust/trust.ts";
import type { TrustDelivery } from "../trust/trust-delivery.ts";

export interface CheckIns {
  take(session: Session, checkIn: CheckIn): Promise<void>;
  telemetry(
    deviceId: string,
    telemetry: { health: CheckIn["health"]; metric?: string | undefined; value?: number | undefined },
  ): Promise<void>;
  /** Resolves when it is stored: the device says it once. */
  crash(deviceId: string, crash: Record<string, unknown>): Promise<void>;
}

const entropyLines = {
  good: "entropy: the noise source passes its health tests again",
  "failed-health":
    "entropy: the noise source fails its health tests; random numbers rest on the device key and the boot counter",
  absent:
    "entropy: there is no noise source, or it does not answer; random numbers rest on the device key and the boot counter",
};

function columnsOf(checkIn: CheckIn): Partial<DeviceTable> {
  const { running, other, connection, attributes, releaseState } = checkIn;
  return {
    product: checkIn.product,
    hardware: checkIn.hardware,
    revision: checkIn.revision,
    loaderVersion: checkIn.loader,
    trustVersion: checkIn.trust,
    trustDigest: checkIn.trustDigest ?? null,
    entropy: checkIn.entropy ?? null,
    trustRefusedVersion: checkIn.trustRefused?.version ?? null,
    trustRefusedCode: checkIn.trustRefused?.code ?? null,
    releaseState: releaseState === undefined ? null : JSON.stringify(releaseState),
    releaseStateWarning: releaseState?.warning ?? null,
    securityFloor: checkIn.floor,
    slotBytes: checkIn.slotBytes,
    bootCounter: checkIn.boot,
    bootReason: checkIn.bootReason,
    health: checkIn.health,
    running: JSON.stringify(running),
    other: JSON.stringify(other),
    attributes: attributes === undefined ? null : JSON.stringify(attributes),
    connection: connection === undefined ? null : JSON.stringify({ host: connection.host, port: connection.port }),
  };
}

type MeasuredColumns = Pick<Partial<DeviceTable>, "measured" | "firstLoader">;

/** `shape`: the columns that it sets. */
const updateDevice = preparedByShape((db, value, shape: string) =>
  db
    .updateTable("devices")
    .set(Object.fromEntries(shape.split(" ").map((column) => [column, value(column)])))
    .where("id", "=", value("id")),
);

export function createCheckIns(options: {
  storage: Storage;
  sessions: Sessions;
  lastSeen: LastSeen;
  deviceLog: DeviceLog;
  feed: Feed;
  memory: Pick<Memory, "device">;
  boardTrails: BoardTrails;
  evidence: Pick<Evidence, "checkedIn">;
  offers: Pick<Offers, "answer">;
  trustDelivery: TrustDelivery;
  commands: Pick<Commands, "checkedIn">;
  configuration: ConfigurationFollowing;
  channel: Pick<CommandChannel, "sendNext">;
  trust: Trust;
  health: Pick<HealthWatch, "checkedIn" | "crashed" | "reported">;
  metricHistory: Pick<MetricHistory, "note">;
  steadyMs: () => number;
}): CheckIns {
  const { storage, sessions, deviceLog, feed, steadyMs } = options;
  const named = new NamedVersions();

  /** Writes what differs; most check-ins say nothing new and write nothing. */
  async function update(deviceId: string, columns: Partial<DeviceTable>, running?: CheckIn["running"]): Promise<void> {
    const row = await options.memory.device(deviceId);
    if (row === null) return;
    const differing = Object.fromEntries(
      Object.entries(columns).filter(([name, value]) => !isDeepStrictEqual(row[name as keyof typeof row], value)),
    );
    if (Object.keys(differing).length === 0) return;
    logTrust(deviceId, row.trustVersion, differing, columns);
    if (differing.bootCounter != null)
      deviceLog.add(deviceId, "boot", `start ${differing.bootCounter}: ${columns.bootReason ?? "of unknown reason"}`);
    const { entropy } = columns;
    // The first word of a good one is no news.
    if (entropy && entropy !== row.entropy && (entropy !== "good" || row.entropy !== null))
      deviceLog.add(deviceId, "entropy", entropyLines[entropy]);
    await storage.transaction(async (work) => {
      await updateDevice(work.db, Object.keys(differing).join(" "), { ...differing, id: deviceId });
      if (running !== undefined) await named.note(work, running);
      work.changed({ kind: "device", id: deviceId });
      const { conflictUntil = null } = columns;
      if (isInConflict({ conflictUntil }, steadyMs()) && !isInConflict(row, steadyMs()))
        work.changed({ kind: "fact", id: deviceId, fact: "device.conflict" });
    });
  }

  function logTrust(
    deviceId: string,
    before: number | null,
    differing: Partial<DeviceTable>,
    { trustRefusedVersion, trustRefusedCode }: Partial<DeviceTable>,
  ): void {
    if (differing.trustVersion !== undefined && before !== null)
      deviceLog.add(deviceId, "trust", `trust record ${differing.trustVersion} in place of ${before}`);
    const isNew = differing.trustRefusedVersion !== undefined || differing.trustRefusedCode !== undefined;
    if (isNew && trustRefusedCode != null)
      deviceLog.add(
        deviceId,
        "trust",
        `refused ${trustRefusedVersion ? `trust record ${trustRefusedVersion}` : "a trust record that does not hold"}: ${errorName(trustRefusedCode)}`,
      );
  }

  /**
   * Once a session, and when it is another relation: after a restore from a backup it may be one that nothing else
   * shows.
   */
  function logTrustRelation(session: Session, checkIn: CheckIn): void {
    const relation = options.trust.relation(checkIn.trust, checkIn.trustDigest ?? null);
    if (relation === session.trustRelation) return;
    session.trustRelation = relation;
    const own = `this server's newest is ${options.trust.version}`;
    if (relation === "ahead")
      deviceLog.add(
        session.deviceId,
        "trust",
        `has trust record ${checkIn.trust}, ${own}: nothing is offered until the newer chain is uploaded`,
      );
    if (relation === "forked")
      deviceLog.add(
        session.deviceId,
        "trust",
        `has a trust record ${checkIn.trust} that is not this server's (${checkIn.trustDigest}): nothing is offered; ${own}`,
      );
  }

  /** Of the session's first check-in: what was signed beside its proof does not change. */
  async function measuredColumns({ deviceId, measured }: Session): Promise<MeasuredColumns> {
    if (measured === undefined) return { measured: null };
    const row = await options.memory.device(deviceId);
    const first = row?.firstLoader ?? measured.loader;
    const before = row?.measured == null ? first : (JSON.parse(row.measured) as Measured).loader;
    if (measured.loader !== before && before !== null)
      deviceLog.add(
        deviceId,
        "measurement",
        `its boot loader is another one than before: ${measured.loader ?? "not shown"}, and was ${before}`,
      );
    return { measured: JSON.stringify(measured), firstLoader: first };
  }

  return {
    async take(session, checkIn) {
      const { deviceId } = session;
      if (!sessions.admitNewer(session, checkIn.boot, checkIn.sequence)) {
        deviceLog.add(
          deviceId,
          "refused-message",
          `check-in ignored: (${checkIn.boot}, ${checkIn.sequence}) is not newer than what came before`,
        );
        return;
      }
      if (checkIn.bootControl === "rebuilt" && checkIn.sequence === 1) {
        deviceLog.add(deviceId, "boot-control", "the boot-control log was lost and made anew from what the slots hold");
      }
      const ofBoards = session.checkedIn ? {} : await options.boardTrails.firstCheckIn(session);
      const ofMeasurement = session.checkedIn ? {} : await measuredColumns(session);
      await sessions.contacted(session);
      await options.health.checkedIn(deviceId, checkIn);
      const said = { ...columnsOf(checkIn), channel: session.channel, ...ofBoards, ...ofMeasurement };
      await update(deviceId, said, checkIn.running);
      logTrustRelation(session, checkIn);
      await options.evidence.checkedIn(deviceId, checkIn);
      await options.trustDelivery.checkedIn(session, checkIn);
      await options.offers.answer(deviceId);
      await options.commands.checkedIn(session, checkIn);
      await options.configuration.checkedIn(session, checkIn);
      await options.channel.sendNext(deviceId);
    },
    async telemetry(deviceId, { health, metric, value }) {
      const isReported = metric !== undefined && value !== undefined;
      if (isReported) options.metricHistory.note(deviceId, metric, value);
      await update(deviceId, { health, ...(isReported ? { metricName: metric, metricValue: value } : {}) });
      if (isReported) await options.health.reported(deviceId, metric, value);
    },
    async crash(deviceId, crash) {
      await options.health.crashed(deviceId);
      const { kind, log, phase, ...facts } = crash;
      const parts = Object.entries(facts).map(([name, value]) => `${name} ${value}`);
      if (phase !== undefined) parts.push(`phase ${bootPhaseNames[Number(phase)] ?? phase}`);
      const lines = typeof log === "string" && log !== "" ? `\n${log.trimEnd()}` : "";
      deviceLog.add(deviceId, "crash", `${kind}: ${parts.join(", ")}${lines}`);
      await deviceLog.flush();
      feed.announce({ kind: "device", id: deviceId });
    },
  };
}
