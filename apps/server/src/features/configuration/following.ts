// A device gets the configuration that is desired of it, once in each session until it says what came of that, and what
// it says is kept: what is in force, and what it refused and why.

import { randomBytes } from "node:crypto";
import { COMMAND_ID_BYTES, ErrorCode, errorName } from "@flipside/image-format";
import type { CheckIn, CommandAnswer } from "@flipside/protocol/messages";
import type { Clock } from "../../clock.ts";
import type { ConfigurationRow, DeviceRow, DeviceUpdate } from "../../storage/schema.ts";
import type { Queries, Storage, Work } from "../../storage/storage.ts";
import type { CommandChannel, Outgoing } from "../commands/command-channel.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import { lockDevice, runningOf } from "../device-records/store.ts";
import type { Session } from "../sessions/sessions.ts";
import { isAsReported, isPassing, saysNothingNew, stateAfter } from "./course.ts";
import { configurationOf, desiredOf, refusalOf, type StoredRefusal } from "./stored.ts";

/** One that was busy gets it again after this long, in the same session; and so long an answer is waited for. */
const againMs = 60_000;

export interface ConfigurationFollowing {
  /** What a check-in says of it. In the device's turn. */
  checkedIn(session: Session, checkIn: CheckIn): Promise<void>;
}

interface Sent {
  number: number;
  command: string;
  at: number;
  /** The device would not look at it then. */
  wasPassing: boolean;
}

export interface FollowingOptions {
  /** For what devices say. */
  patient: Storage;
  channel: CommandChannel;
  memory: { device(id: string): Promise<DeviceRow | null> };
  deviceLog: DeviceLog;
  clock: Pick<Clock, "wallMs" | "steadyMs">;
}

const updateDevice = (db: Queries, id: string, columns: DeviceUpdate): Promise<unknown> =>
  db.updateTable("devices").set(columns).where("id", "=", id).execute();

const updateRow = (
  db: Queries,
  { deviceId, number }: Pick<ConfigurationRow, "deviceId" | "number">,
  columns: Partial<Pick<ConfigurationRow, "sentAt" | "inForceAt" | "refusal">>,
): Promise<unknown> =>
  db.updateTable("configurations").set(columns).where("deviceId", "=", deviceId).where("number", "=", number).execute();

function refusedText(number: number, { code, appCode, text }: Omit<StoredRefusal, "at">): string {
  const said = [...(appCode === null ? [] : [`code ${appCode}`]), ...(text ? [text] : [])].join(", ");
  return `configuration ${number}: refused: ${errorName(code)}${said && ` (the app says: ${said})`}`;
}

export function createConfigurationFollowing(options: FollowingOptions): ConfigurationFollowing {
  const { patient, channel, memory, deviceLog, clock } = options;
  const sent = new WeakMap<Session, Sent>();

  /** In a transaction: of this number, where it is in the history. */
  async function noteRefusal(
    work: Work,
    deviceId: string,
    number: number,
    refusal: Omit<StoredRefusal, "at">,
  ): Promise<void> {
    const row = await configurationOf(work.db, deviceId, number);
    const known = row && refusalOf(row);
    if (row === undefined || (known?.code === refusal.code && known.appCode === refusal.appCode)) return;
    await updateRow(work.db, row, { refusal: JSON.stringify({ ...refusal, at: clock.wallMs() }) });
    work.afterCommit(() => deviceLog.add(deviceId, "configuration", refusedText(number, refusal)));
  }

  async function take(work: Work, session: Session, checkIn: CheckIn): Promise<void> {
    const { db } = work;
    const { deviceId: id } = session;
    const device = await lockDevice(db, id);
    if (device === undefined) return;
    const desired = await desiredOf(db, device);
    const state = stateAfter(device, desired, checkIn, isSentIn(session, device));
    const { configuration: said, configurationRefused: refused } = checkIn;
    const nowMs = clock.wallMs();
    if (refused !== undefined) {
      const { code, appCode = null, text = null } = refused;
      await noteRefusal(work, id, refused.number, { code, appCode, text });
    }
    const reported = isAsReported(device, said)
      ? {}
      : { configurationReported: said ? JSON.stringify({ ...said, at: nowMs }) : null };
    if (state === device.configurationState && Object.keys(reported).length === 0) return;
    const configurationRefusedBy = state === "refused" ? checkIn.running.digest : null;
    await updateDevice(db, id, { ...reported, configurationState: state, configurationRefusedBy });
    work.changed({ kind: "device", id });
    if (state !== "in-force" || device.configurationState === "in-force") return;
    if (desired?.inForceAt === null) await updateRow(db, desired, { inForceAt: nowMs });
    work.afterCommit(() => deviceLog.add(id, "configuration", `configuration ${desired!.number}: in force`));
  }

  const isSentIn = (session: Session, { configurationDesired }: DeviceRow): boolean =>
    sent.get(session)?.number === configurationDesired;

  /** It has not answered for so long that nothing else waits for it. */
  function giveUp(session: Session): void {
    const last = sent.get(session);
    if (last === undefined || session.commandOnItsWay !== last.command || clock.steadyMs() - last.at < againMs) return;
    session.commandOnItsWay = undefined;
  }

  /** It has had it in this session, and was not too busy for it. */
  function hadIt(session: Session, number: number): boolean {
    const last = sent.get(session);
    return last?.number === number && !(last.wasPassing && clock.steadyMs() - last.at >= againMs);
  }

  async function isDue(session: Session): Promise<DeviceRow | undefined> {
    const device = await memory.device(session.deviceId);
    if (device === null || device.configurationState !== "waiting" || device.configurationDesired === null)
      return undefined;
    // A candidate on trial takes no commands; it checks in again when it is confirmed.
    if (runningOf(device)?.state !== "confirmed" || hadIt(session, device.configurationDesired)) return undefined;
    return device;
  }

  async function next(session: Session): Promise<Outgoing | undefined> {
    const device = await isDue(session);
    const row = device && (await desiredOf(patient.db, device));
    if (row === undefined) return undefined;
    const { number, deviceId } = row;
    const id = randomBytes(COMMAND_ID_BYTES).toString("hex");
    return {
      id,
      action: { kind: "set-configuration", document: Buffer.from(row.document), number },
      async sending() {
        sent.set(session, { number, command: id, at: clock.steadyMs(), wasPassing: false });
        await patient.transaction(async (work) => {
          const present = await lockDevice(work.db, deviceId);
          if (present?.configurationDesired !== number) return;
          await updateRow(work.db, row, { sentAt: clock.wallMs() });
          await updateDevice(work.db, deviceId, { configurationState: "sent" });
          work.changed({ kind: "device", id: deviceId });
        });
      },
    };
  }

  async function answered(session: Session, { command, code }: CommandAnswer): Promise<boolean> {
    const last = sent.get(session);
    if (last?.command !== command) return false;
    if (code === ErrorCode.None) return true;
    const { deviceId: id } = session;
    last.wasPassing = isPassing(code);
    await patient.transaction(async (work) => {
      const device = await lockDevice(work.db, id);
      if (device === undefined) return;
      if (!last.wasPassing) await noteRefusal(work, id, last.number, { code, appCode: null, text: null });
      if (device.configurationDesired !== last.number || device.configurationState !== "sent") return;
      const columns: DeviceUpdate = last.wasPassing
        ? { configurationState: "waiting" }
        : { configurationState: "refused", configurationRefusedBy: device.runningDigest };
      await updateDevice(work.db, id, columns);
      work.changed({ kind: "device", id });
    });
    return true;
  }

  channel.join({ next, answered });

  return {
    async checkedIn(session, checkIn) {
      giveUp(session);
      const device = await memory.device(session.deviceId);
      if (device === null || saysNothingNew(device, checkIn, isSentIn(session, device))) return;
      await patient.transaction((work) => take(work, session, checkIn));
    },
  };
}
