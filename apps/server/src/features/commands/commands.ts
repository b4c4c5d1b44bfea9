// Commands to one device that people give: kept until the device has a proven session, sent by the command channel, and
// followed to their end (docs/protocol.md, "Commands").
//
//   waiting ─► sent ─► accepted ─► done
//      ▲        │ │     │  └─────► failed(code)    the device was not content with what came of it
//      └────────┘ │     └────────► waiting         a cut came first, or its log was not told to the end of the session
//      ▲          └──────────────► refused(code)   the device's answer
//   a session ended without an answer, and nothing shows that it was carried out: waiting again
//   any of the first three, past its expiry: expired

import { randomBytes } from "node:crypto";
import type { CollectedLog, Command as CommandView } from "@flipside/api/types";
import { type CommandAction, COMMAND_ID_BYTES, ErrorCode, errorName } from "@flipside/image-format";
import type { CheckIn, LogPart } from "@flipside/protocol/messages";
import type { Clock } from "../../clock.ts";
import { paged, type PageAsked } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import { iso, isoOrNull } from "../../identifiers.ts";
import type { Turns } from "../../turns.ts";
import type { CommandRow, CommandTable, CommandUpdate, DeviceRow } from "../../storage/schema.ts";
import type { Queries, Storage, Work } from "../../storage/storage.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import { findDevice, lockDevice } from "../device-records/store.ts";
import type { Feed } from "../../changes/feed.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
import { collectedLogOf, LogCollecting } from "./collected-logs.ts";
import { type CommandChannel, mustTakeCommands, type Outgoing } from "./command-channel.ts";

/** As its cursors name it. */
export const commandList = "commands";

/** Waiting for one device at a time. */
const openMax = 8;
/** Of one device, with those that are over. */
const kept = 50;

/** As people give them. */
export type GivenAction = Exclude<CommandAction, { kind: "set-configuration" }>;

export interface Commands {
  /** Newest first. */
  list(deviceId: string, page: PageAsked): Promise<{ commands: CommandView[]; next: string | null }>;
  /** What the command collected. Throws ApiError when there is nothing of it. */
  log(deviceId: string, commandId: string): Promise<CollectedLog>;
  /** Sends it at once when the device is here, else at its next check-in. */
  give(deviceId: string, action: GivenAction, expiresInMs: number, by: string): Promise<CommandView>;
  /** In a transaction, behind the device's lock, to one that takes commands; undefined: too many wait for it. */
  giveWithin(
    work: Work,
    device: DeviceRow,
    action: GivenAction,
    expiresInMs: number,
    by: string,
  ): Promise<CommandRow | undefined>;
  /** What a check-in shows of commands. In the device's turn. */
  checkedIn(session: Session, checkIn: CheckIn): Promise<void>;
  /** A part of the device's console. In its turn. */
  logged(session: Session, part: LogPart): Promise<void>;
  /** Its session has begun here, and its commands may have been given elsewhere. */
  expect(deviceId: string): void;
  /** Another server has changed something of the device's. */
  noticed(deviceId: string): void;
  /** Looks at expiry. */
  tick(): Promise<void>;
}

function commandView(row: CommandRow, clock: Clock): CommandView {
  const { id, deviceId, kind, host, port, seconds, state, code, createdBy } = row;
  return {
    id,
    deviceId,
    kind,
    host,
    port,
    seconds,
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

/** What the row has of it besides its kind. */
const argumentsOf = (action: GivenAction): Pick<CommandRow, "host" | "port" | "seconds"> => ({
  host: action.kind === "set-connection" ? action.host : null,
  port: action.kind === "set-connection" ? action.port : null,
  seconds: action.kind === "identify" ? action.seconds : null,
});

function actionOf({ kind, host, port, seconds }: CommandRow): GivenAction {
  if (kind === "set-connection") return { kind, host: host!, port: port! };
  return kind === "identify" ? { kind, seconds: seconds! } : { kind };
}

function words({ kind, host, port, seconds }: Pick<CommandRow, "kind" | "host" | "port" | "seconds">): string {
  switch (kind) {
    case "set-connection":
      return `change the server to ${host}:${port}`;
    case "identify":
      return `identify for ${seconds} s`;
    case "roll-back":
      return "roll back to the other slot";
    case "collect-logs":
      return "collect logs";
    case "reboot":
      return "reboot";
  }
}

/** With what hangs on them. */
async function forgetOldest(db: Queries, deviceId: string): Promise<void> {
  const old = await db
    .selectFrom("commands")
    .select("id")
    .where("deviceId", "=", deviceId)
    .where("finishedAt", "is not", null)
    .where("id", "not in", (q) =>
      q.selectFrom("commands").select("id").where("deviceId", "=", deviceId).orderBy("position", "desc").limit(kept),
    )
    .execute();
  if (old.length === 0) return;
  const ids = old.map(({ id }) => id);
  await db.deleteFrom("collectedLogs").where("commandId", "in", ids).execute();
  await db.deleteFrom("commands").where("id", "in", ids).execute();
}

/** What became of a command, as a check-in shows it; undefined: nothing new. */
type Outcome = { state: CommandTable["state"]; code?: number } | undefined;

/** It was taken, and the device has started anew since. */
const hasRestarted = (row: CommandRow, { boot }: CheckIn): boolean =>
  row.state !== "waiting" && boot > (row.bootWhenSent ?? 0);

/**
 * The device is to leave one image, and not to go to and fro: as soon as it runs another one, the command is over. It
 * is, too, when the image that it went to did not stay: then that one's slot has a reason.
 */
function outcomeOfRollBack(row: CommandRow, checkIn: CheckIn): Outcome {
  const { running, other } = checkIn;
  if (row.leavesDigest !== null && running.digest !== row.leavesDigest) {
    const wentThere = row.state !== "waiting" && (row.goesToDigest ?? running.digest) === running.digest;
    return wentThere ? { state: "done" } : { state: "failed", code: ErrorCode.RollBackImpossible };
  }
  return hasRestarted(row, checkIn) && other.reason !== 0 ? { state: "failed", code: other.reason } : undefined;
}

function outcomeOf(row: CommandRow, checkIn: CheckIn): Outcome {
  const { connection } = checkIn;
  if (row.kind === "roll-back") return outcomeOfRollBack(row, checkIn);
  if (row.state === "waiting") return undefined;
  if (row.kind === "reboot" && hasRestarted(row, checkIn)) return { state: "done" };
  if (row.kind === "set-connection" && connection?.command === row.id)
    return connection.code === ErrorCode.None ? { state: "done" } : { state: "failed", code: connection.code ?? 0 };
  return undefined;
}

/** In the order of their positions. */
const openOf = (db: Queries, deviceId: string): Promise<CommandRow[]> =>
  db
    .selectFrom("commands")
    .selectAll()
    .where("deviceId", "=", deviceId)
    .where("finishedAt", "is", null)
    .orderBy("position")
    .execute();

export interface CommandsOptions {
  storage: Storage;
  /** For what devices say. */
  patient: Storage;
  sessions: Sessions;
  channel: CommandChannel;
  memory: { device(id: string): Promise<DeviceRow | null> };
  turns: Turns;
  deviceLog: DeviceLog;
  feed: Feed;
  clock: Clock;
}

/** Devices with commands that are not over: most check-ins need not ask the database. */
async function devicesWithOpen(db: Queries): Promise<Set<string>> {
  const rows = await db.selectFrom("commands").select("deviceId").distinct().where("finishedAt", "is", null).execute();
  return new Set(rows.map((row) => row.deviceId));
}

/** What is stored of them as they go their way. */
class Course {
  readonly #options: CommandsOptions;
  readonly collecting = new LogCollecting();

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  async openOf(deviceId: string): Promise<CommandRow[]> {
    return openOf(this.#options.patient.db, deviceId);
  }

  /** Stores a change, tells the log what became of it, and whoever watches that the device has news. */
  async change(row: CommandRow, columns: CommandUpdate): Promise<void> {
    const { patient, feed, deviceLog } = this.#options;
    await patient.db.updateTable("commands").set(columns).where("id", "=", row.id).execute();
    if (columns.state !== undefined && columns.state !== "waiting" && columns.state !== "sent") {
      const why = columns.code ? `: ${errorName(columns.code)}` : "";
      deviceLog.add(row.deviceId, "command", `${words(row)}: ${columns.state}${why}`);
    }
    feed.announce({ kind: "device", id: row.deviceId });
  }

  finish(row: CommandRow, state: CommandTable["state"], code = 0): Promise<void> {
    return this.change(row, { state, code, finishedAt: this.#options.clock.wallMs() });
  }

  async outgoing(session: Session, row: CommandRow): Promise<Outgoing> {
    const { memory, clock } = this.#options;
    const device = row.kind === "roll-back" ? await memory.device(row.deviceId) : null;
    const ofRollBack = device && {
      leavesDigest: row.leavesDigest ?? device.runningDigest,
      goesToDigest: device.otherDigest,
    };
    return {
      id: row.id,
      action: actionOf(row),
      sending: () =>
        this.change(row, {
          state: "sent",
          sentAt: clock.wallMs(),
          bootWhenSent: session.newest?.boot ?? 0,
          ...ofRollBack,
        }),
    };
  }

  async answered(session: Session, row: CommandRow, code: number): Promise<void> {
    if (code !== 0) return this.finish(row, "refused", code);
    if (row.kind === "identify") return this.finish(row, "done");
    if (row.kind === "collect-logs") this.collecting.begin(session, row.id);
    await this.change(row, { state: "accepted" });
  }

  /** What a check-in says of a command. */
  async settle(session: Session, row: CommandRow, checkIn: CheckIn): Promise<void> {
    const outcome = outcomeOf(row, checkIn);
    if (outcome !== undefined) return this.finish(row, outcome.state, outcome.code);
    // Its session is over, and it was not carried out.
    const isLost =
      (row.state === "sent" && session.commandOnItsWay !== row.id) ||
      (row.kind === "roll-back" && row.state === "accepted" && hasRestarted(row, checkIn)) ||
      (row.kind === "collect-logs" && row.state === "accepted" && !this.collecting.is(session, row.id));
    if (isLost) await this.change(row, { state: "waiting" });
  }

  async keepLog(row: CommandRow, text: string): Promise<void> {
    const { patient, clock } = this.#options;
    const collected = { deviceId: row.deviceId, collectedAt: clock.wallMs(), text };
    await patient.db
      .insertInto("collectedLogs")
      .values({ commandId: row.id, ...collected })
      .onConflict((conflict) => conflict.column("commandId").doUpdateSet(collected))
      .execute();
    await this.finish(row, "done");
  }
}

export async function createCommands(options: CommandsOptions): Promise<Commands> {
  const { storage, sessions, channel, deviceLog, clock } = options;
  const course = new Course(options);
  const withOpen = await devicesWithOpen(storage.db);

  channel.join({
    async next(session) {
      if (!withOpen.has(session.deviceId)) return undefined;
      const row = (await course.openOf(session.deviceId)).find(
        ({ state, expiresAt }) => state === "waiting" && expiresAt > clock.steadyMs(),
      );
      return row && course.outgoing(session, row);
    },
    async answered(session, { command, code }) {
      const row = (await course.openOf(session.deviceId)).find(({ id }) => id === command);
      if (row?.state === "sent") await course.answered(session, row, code);
      return row !== undefined;
    },
  });

  const giveWithin: Commands["giveWithin"] = async (work, device, action, expiresInMs, by) => {
    const { db } = work;
    const open = await openOf(db, device.id);
    if (open.length >= openMax) return undefined;
    const row = await db
      .insertInto("commands")
      .values({
        id: randomBytes(COMMAND_ID_BYTES).toString("hex"),
        deviceId: device.id,
        kind: action.kind,
        ...argumentsOf(action),
        leavesDigest: action.kind === "roll-back" ? device.runningDigest : null,
        goesToDigest: null,
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
    await forgetOldest(db, device.id);
    work.changed({ kind: "device", id: device.id });
    work.afterCommit(() => {
      withOpen.add(device.id);
      deviceLog.add(device.id, "command", `${words(row)}: commanded by ${by}`);
      channel.wake(device.id);
    });
    return row;
  };

  return {
    giveWithin,
    expect: (deviceId) => void withOpen.add(deviceId),
    noticed(deviceId) {
      if (sessions.of(deviceId)?.checkedIn !== true) return;
      withOpen.add(deviceId);
      channel.wake(deviceId, async () => {
        const session = sessions.of(deviceId);
        const onItsWay = session?.commandOnItsWay;
        if (onItsWay === undefined) return;
        // It may have expired.
        const row = await options.patient.db
          .selectFrom("commands")
          .select("finishedAt")
          .where("id", "=", onItsWay)
          .executeTakeFirst();
        if (row?.finishedAt != null) session!.commandOnItsWay = undefined;
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
    log: (deviceId, commandId) => collectedLogOf(storage.db, deviceId, commandId),

    async give(deviceId, action, expiresInMs, by) {
      channel.mustSign();
      const row = await storage.transaction(async (work) => {
        const device = await lockDevice(work.db, deviceId);
        if (device === undefined) throw new ApiError("not-found", "There is no such device.");
        mustTakeCommands(device);
        const row = await giveWithin(work, device, action, expiresInMs, by);
        if (row !== undefined) return row;
        throw new ApiError(
          "too-many-commands",
          `${openMax} commands wait for this device already. They are carried out or expire first.`,
        );
      });
      return commandView(row, clock);
    },

    async checkedIn(session, checkIn) {
      const { deviceId } = session;
      if (!withOpen.has(deviceId)) return;
      for (const row of await course.openOf(deviceId)) await course.settle(session, row, checkIn);
      if ((await course.openOf(deviceId)).length === 0) withOpen.delete(deviceId);
    },

    async logged(session, part) {
      const { deviceId } = session;
      if (!course.collecting.is(session, part.command)) {
        deviceLog.add(deviceId, "refused-message", "log ignored: no such command is being carried out");
        return;
      }
      const text = course.collecting.take(session, part);
      const row =
        text === undefined ? undefined : (await course.openOf(deviceId)).find(({ id }) => id === part.command);
      if (row !== undefined) await course.keepLog(row, text!);
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
          const present = (await course.openOf(row.deviceId)).find(({ id }) => id === row.id);
          if (present !== undefined) await course.finish(present, "expired");
        });
      }
    },
  };
}
