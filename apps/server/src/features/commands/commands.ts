// Commands to one device: kept until the device has a proven session, signed for that session, sent one at a time, and
// followed to their end (docs/protocol.md, "Commands").
//
//   waiting ─► sent ─► accepted ─► done
//      ▲        │ │        └─────► failed(code)    the device was not content with what came of it
//      └────────┘ └──────────────► refused(code)   the device's answer
//   a session ended without an answer, and nothing shows that it was carried out: waiting again
//   any of the first three, past its expiry: expired

import { randomBytes } from "node:crypto";
import type { Command as CommandView } from "@flipside/api/types";
import {
  buildCommand,
  type CommandAction,
  COMMAND_ID_BYTES,
  ErrorCode,
  errorName,
  type SigningKey,
} from "@flipside/image-format";
import type { CheckIn, CommandAnswer } from "@flipside/protocol/messages";
import { signedCommand } from "@flipside/protocol/server-messages";
import type { Clock } from "../../clock.ts";
import { paged, type PageAsked } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import { iso, isoOrNull } from "../../identifiers.ts";
import type { Logger } from "../../logging.ts";
import type { DeviceLink } from "../../mqtt/device-link.ts";
import type { Turns } from "../../turns.ts";
import type { CommandRow, CommandTable, CommandUpdate } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import { findDevice, lockDevice } from "../device-records/store.ts";
import type { Feed } from "../../changes/feed.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";

/** As its cursors name it. */
export const commandList = "commands";

/** Waiting for one device at a time. */
const openMax = 8;
/** Of one device, with those that are over. */
const kept = 50;

export interface Commands {
  /** Newest first. */
  list(deviceId: string, page: PageAsked): Promise<{ commands: CommandView[]; next: string | null }>;
  /** Sends it at once when the device is here, else at its next check-in. */
  give(deviceId: string, action: CommandAction, expiresInMs: number, by: string): Promise<CommandView>;
  answered(session: Session, answer: CommandAnswer): Promise<void>;
  /** What a check-in shows of commands; then sends what waits. In the device's turn. */
  checkedIn(session: Session, checkIn: CheckIn): Promise<void>;
  /** Its session has begun here, and its commands may have been given elsewhere. */
  expect(deviceId: string): void;
  /** Another server has changed something of the device's. */
  noticed(deviceId: string): void;
  /** Looks at expiry. */
  tick(): Promise<void>;
}

function commandView(row: CommandRow, clock: Clock): CommandView {
  const { id, deviceId, kind, host, port, state, code, createdBy } = row;
  return {
    id,
    deviceId,
    // Others are not given yet.
    kind: kind as CommandView["kind"],
    host,
    port,
    state,
    code,
    codeName: code === 0 ? null : errorName(code),
    createdAt: iso(row.createdAt),
    createdBy,
    expiresAt: iso(clock.shownMs(row.expiresAt)),
    sentAt: isoOrNull(row.sentAt),
    finishedAt: isoOrNull(row.finishedAt),
  };
}

function actionOf(row: CommandRow): CommandAction {
  return row.kind === "set-connection" ? { kind: row.kind, host: row.host!, port: row.port! } : { kind: "reboot" };
}

function words(row: Pick<CommandRow, "kind" | "host" | "port">): string {
  return row.kind === "set-connection" ? `change the server to ${row.host}:${row.port}` : "reboot";
}

export async function createCommands(options: {
  storage: Storage;
  /** For what devices say. */
  patient: Storage;
  /** Undefined: this server can't sign commands, or the newest trust record doesn't name its key any more. */
  operationsKey: () => SigningKey | undefined;
  sessions: Sessions;
  link: DeviceLink;
  turns: Turns;
  deviceLog: DeviceLog;
  feed: Feed;
  log: Logger;
  clock: Clock;
}): Promise<Commands> {
  const { storage, sessions, deviceLog, feed, clock } = options;
  /** Devices with commands that are not over: most check-ins need not ask the database. */
  const withOpen = new Set(
    (
      await storage.db.selectFrom("commands").select("deviceId").distinct().where("finishedAt", "is", null).execute()
    ).map((row) => row.deviceId),
  );

  async function openOf(deviceId: string): Promise<CommandRow[]> {
    return options.patient.db
      .selectFrom("commands")
      .selectAll()
      .where("deviceId", "=", deviceId)
      .where("finishedAt", "is", null)
      .orderBy("position")
      .execute();
  }

  /** Stores a change, tells the log what became of it, and whoever watches that the device has news. */
  async function change(row: CommandRow, columns: CommandUpdate): Promise<void> {
    await options.patient.db.updateTable("commands").set(columns).where("id", "=", row.id).execute();
    if (columns.state !== undefined && columns.state !== "waiting" && columns.state !== "sent") {
      const why = columns.code ? `: ${errorName(columns.code)}` : "";
      deviceLog.add(row.deviceId, "command", `${words(row)}: ${columns.state}${why}`);
    }
    feed.announce({ kind: "device", id: row.deviceId });
  }

  const finish = (row: CommandRow, state: CommandTable["state"], code = 0): Promise<void> =>
    change(row, { state, code, finishedAt: clock.wallMs() });

  /** Sends the oldest that waits, unless one is on its way. In the device's turn. */
  async function sendNext(deviceId: string): Promise<void> {
    const operationsKey = options.operationsKey();
    const session = sessions.of(deviceId);
    if (
      operationsKey === undefined ||
      session === undefined ||
      !session.checkedIn ||
      session.commandOnItsWay !== undefined
    )
      return;
    const row = (await openOf(deviceId)).find(
      ({ state, expiresAt }) => state === "waiting" && expiresAt > clock.steadyMs(),
    );
    if (row === undefined) return;
    const command = await buildCommand({
      deviceId,
      deviceNonce: Buffer.from(session.deviceNonce, "base64url"),
      id: Buffer.from(row.id, "hex"),
      number: ++session.commandsSent,
      action: actionOf(row),
      signingKeys: [operationsKey.privateJwk],
    });
    session.commandOnItsWay = row.id;
    await change(row, { state: "sent", sentAt: clock.wallMs(), bootWhenSent: session.newest?.boot ?? 0 });
    if (sessions.of(deviceId) !== session) return;
    await options.link.publish(deviceId, [signedCommand(session.id, command)]);
  }

  /** What a check-in says of a command that was sent. */
  async function settle(session: Session, row: CommandRow, checkIn: CheckIn): Promise<void> {
    if (row.state === "waiting") return;
    if (row.kind === "reboot" && checkIn.boot > (row.bootWhenSent ?? 0)) return finish(row, "done");
    const { connection } = checkIn;
    if (row.kind === "set-connection" && connection?.command === row.id) {
      return connection.code === ErrorCode.None ? finish(row, "done") : finish(row, "failed", connection.code ?? 0);
    }
    // Its session is over, and it was not carried out.
    if (row.state === "sent" && session.commandOnItsWay !== row.id) await change(row, { state: "waiting" });
  }

  function sendInTurn(deviceId: string, work: () => Promise<void>): void {
    options.turns
      .run(deviceId, work)
      .catch((error: unknown) =>
        options.log.error({ err: error as Error, device: deviceId }, "a command could not be sent"),
      );
  }

  return {
    expect: (deviceId) => void withOpen.add(deviceId),
    noticed(deviceId) {
      if (sessions.of(deviceId)?.checkedIn !== true) return;
      withOpen.add(deviceId);
      sendInTurn(deviceId, async () => {
        const session = sessions.of(deviceId);
        const onItsWay = session?.commandOnItsWay;
        // It may have expired.
        if (onItsWay !== undefined && !(await openOf(deviceId)).some(({ id }) => id === onItsWay))
          session!.commandOnItsWay = undefined;
        await sendNext(deviceId);
      });
    },
    async list(deviceId, { limit, after }) {
      if ((await findDevice(storage.db, deviceId)) === undefined)
        throw new ApiError("not-found", "There is no such device.");
      const rows = await storage.db
        .selectFrom("commands")
        .selectAll()
        .where("deviceId", "=", deviceId)
        .$if(after !== undefined, (q) => q.where("position", "<", after![0] as number))
        .orderBy("position", "desc")
        .limit(limit + 1)
        .execute();
      const page = paged(commandList, rows, limit, ({ position }) => [position]);
      return { commands: page.rows.map((row) => commandView(row, clock)), next: page.next };
    },

    async give(deviceId, action, expiresInMs, by) {
      if (options.operationsKey() === undefined)
        throw new ApiError(
          "no-operations-key",
          "Start the server with --operations-key and the file of a key that the newest trust record names as an operations key.",
        );
      const row = await storage.transaction(async ({ db, afterCommit, changed }) => {
        const device = await lockDevice(db, deviceId);
        if (device === undefined) throw new ApiError("not-found", "There is no such device.");
        if (device.revokedAt !== null) throw new ApiError("device-revoked", "A revoked device gets no commands.");
        const open = await db
          .selectFrom("commands")
          .select("id")
          .where("deviceId", "=", deviceId)
          .where("finishedAt", "is", null)
          .execute();
        if (open.length >= openMax)
          throw new ApiError(
            "too-many-commands",
            `${openMax} commands wait for this device already. They are carried out or expire first.`,
          );
        const row = await db
          .insertInto("commands")
          .values({
            id: randomBytes(COMMAND_ID_BYTES).toString("hex"),
            deviceId,
            kind: action.kind,
            host: action.kind === "set-connection" ? action.host : null,
            port: action.kind === "set-connection" ? action.port : null,
            state: "waiting",
            code: 0,
            createdAt: clock.wallMs(),
            createdBy: by,
            expiresAt: clock.steadyMs() + expiresInMs,
            sentAt: null,
            bootWhenSent: null,
            finishedAt: null,
          })
          .returningAll()
          .executeTakeFirstOrThrow();
        await db
          .deleteFrom("commands")
          .where("deviceId", "=", deviceId)
          .where("finishedAt", "is not", null)
          .where("id", "not in", (q) =>
            q
              .selectFrom("commands")
              .select("id")
              .where("deviceId", "=", deviceId)
              .orderBy("position", "desc")
              .limit(kept),
          )
          .execute();
        changed({ kind: "device", id: deviceId });
        afterCommit(() => {
          withOpen.add(deviceId);
          deviceLog.add(deviceId, "command", `${words(row)}: commanded by ${by}`);
        });
        return row;
      });
      sendInTurn(deviceId, () => sendNext(deviceId));
      return commandView(row, clock);
    },

    async answered(session, { command, code }) {
      const { deviceId } = session;
      if (session.commandOnItsWay !== command) {
        deviceLog.add(deviceId, "refused-message", "answer ignored: no such command is on its way");
        return;
      }
      session.commandOnItsWay = undefined;
      const row = (await openOf(deviceId)).find(({ id }) => id === command);
      if (row?.state === "sent") await (code === 0 ? change(row, { state: "accepted" }) : finish(row, "refused", code));
      await sendNext(deviceId);
    },

    async checkedIn(session, checkIn) {
      const { deviceId } = session;
      if (!withOpen.has(deviceId)) return;
      for (const row of await openOf(deviceId)) await settle(session, row, checkIn);
      const left = await openOf(deviceId);
      if (left.length === 0) withOpen.delete(deviceId);
      else await sendNext(deviceId);
    },

    async tick() {
      const overdue = await storage.db
        .selectFrom("commands")
        .selectAll()
        .where("finishedAt", "is", null)
        .where("expiresAt", "<=", clock.steadyMs())
        .execute();
      for (const row of overdue) {
        await options.turns.run(row.deviceId, async () => {
          const session = sessions.of(row.deviceId);
          if (session?.commandOnItsWay === row.id) session.commandOnItsWay = undefined;
          const present = (await openOf(row.deviceId)).find(({ id }) => id === row.id);
          if (present !== undefined) await finish(present, "expired");
        });
      }
    },
  };
}
