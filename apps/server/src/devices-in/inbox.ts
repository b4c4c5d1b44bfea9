// Where messages from devices arrive: form, session and order are checked here, then each goes to its feature. Nothing
// that a device sends is an error of the server's: what cannot be used is ignored and logged, in bounded numbers.

import {
  answerMessage,
  checkInMessage,
  describeIssues,
  fetchMessage,
  goneMessage,
  logMessage,
  logPartMessage,
  type ParsedObject,
  parseControl,
  stateMessage,
  telemetryMessage,
} from "@flipside/protocol/messages";
import { sessionRefusal } from "@flipside/protocol/server-messages";
import type { z } from "zod";
import type { Logger } from "../logging.ts";
import { LogLimiter } from "../logging.ts";
import { DeviceTakenOver } from "../members/device-owners.ts";
import type { LinkMessage } from "../mqtt/device-link.ts";
import { withUnseenWrittenOut } from "../plain-text.ts";
import type { Turns } from "../turns.ts";
import { StorageUnavailable } from "../storage/storage-unavailable.ts";
import type { CheckIns } from "../features/check-ins/check-ins.ts";
import type { ChunkDelivery } from "../features/chunk-delivery/chunk-delivery.ts";
import type { CommandChannel } from "../features/commands/command-channel.ts";
import type { Commands } from "../features/commands/commands.ts";
import type { DeviceLog } from "../features/device-records/device-log.ts";
import type { LastSeen } from "../features/device-records/last-seen.ts";
import type { Enrolment } from "../features/enrolment/enrolment.ts";
import type { Evidence } from "../features/deployments/evidence.ts";
import type { Session, Sessions } from "../features/sessions/sessions.ts";

const strangersLoggedPerMinute = 30;

export interface Inbox {
  /** False: it could not be stored, and was not taken. */
  take(message: LinkMessage): Promise<boolean>;
  refused(deviceId: string | undefined, what: string): void;
}

export function createInbox(options: {
  sessions: Sessions;
  enrolment: Enrolment;
  checkIns: CheckIns;
  evidence: Pick<Evidence, "reported">;
  commands: Pick<Commands, "logged">;
  channel: Pick<CommandChannel, "answered">;
  delivery: ChunkDelivery;
  deviceLog: DeviceLog;
  lastSeen: LastSeen;
  turns: Turns;
  isKnown: (deviceId: string) => Promise<boolean>;
  /** The link lets devices in by their secrets: who is not enrolling is enrolled. */
  checksCredentials: boolean;
  log: Logger;
  now: () => number;
}): Inbox {
  const { sessions, deviceLog, log } = options;
  const strangers = new LogLimiter(strangersLoggedPerMinute);

  /** A refusal for which no enrolled device answers: in the server's log only, so many a minute. */
  function stranger(deviceId: string | undefined, what: string): void {
    const suppressed = strangers.admit(options.now());
    if (suppressed !== undefined) log.warn({ name: deviceId, suppressed }, `refused: ${withUnseenWrittenOut(what)}`);
  }

  function ignore(deviceId: string, what: string): void {
    deviceLog.add(deviceId, "refused-message", what);
  }

  /** The parsed message, or undefined when it was ignored. */
  function parse<T extends z.ZodType>(
    schema: T,
    deviceId: string,
    leaf: string,
    object: ParsedObject,
  ): z.infer<T> | undefined {
    const parsed = schema.safeParse(object);
    if (parsed.success) return parsed.data;
    ignore(deviceId, `${leaf} ignored: ${describeIssues(parsed.error)}`);
    return undefined;
  }

  async function inSession(message: LinkMessage, session: Session, object: ParsedObject): Promise<void> {
    const { deviceId, leaf } = message;
    switch (leaf) {
      case "check-in": {
        const checkIn = parse(checkInMessage, deviceId, leaf, object);
        if (checkIn) await options.checkIns.take(session, checkIn);
        return;
      }
      case "state": {
        const report = parse(stateMessage, deviceId, leaf, object);
        if (!report) return;
        if (!sessions.admitNewer(session, report.boot, report.sequence)) {
          ignore(deviceId, `state ignored: (${report.boot}, ${report.sequence}) is not newer than what came before`);
          return;
        }
        const refusal = await options.evidence.reported(deviceId, report);
        if (refusal !== undefined) ignore(deviceId, `state ignored: ${refusal}`);
        return;
      }
      case "fetch": {
        const fetch = parse(fetchMessage, deviceId, leaf, object);
        if (fetch) options.delivery.request(session, fetch);
        return;
      }
      case "answer": {
        const answer = parse(answerMessage, deviceId, leaf, object);
        if (answer) await options.channel.answered(session, answer);
        return;
      }
      case "telemetry": {
        const telemetry = parse(telemetryMessage, deviceId, leaf, object);
        if (telemetry) await options.checkIns.telemetry(deviceId, telemetry);
        return;
      }
      case "log": {
        if ("command" in object) {
          const part = parse(logPartMessage, deviceId, leaf, object);
          if (part) await options.commands.logged(session, part);
          return;
        }
        const entry = parse(logMessage, deviceId, leaf, object);
        if (entry) await options.checkIns.crash(deviceId, entry.crash);
        return;
      }
      default:
        return;
    }
  }

  /** The database need not be asked where the link has done so, or a session is proven. */
  async function isEnrolled({ deviceId, connection }: LinkMessage): Promise<boolean> {
    if (options.checksCredentials || sessions.of(deviceId)?.connection === connection) return true;
    return options.isKnown(deviceId);
  }

  async function take(message: LinkMessage): Promise<void> {
    const { deviceId, leaf } = message;
    const known = !message.enrolling && (await isEnrolled(message));
    const parsed = parseControl(message.payload);
    if ("refusal" in parsed) {
      const what = `${leaf} ignored: ${parsed.refusal}`;
      if (known) ignore(deviceId, what);
      else stranger(deviceId, what);
      // An enrolling device may wait for an answer.
      if (leaf === "enrol") await options.enrolment.handle(message, {});
      return;
    }
    if (leaf === "enrol") return options.enrolment.handle(message, parsed.object);
    if (!known) {
      stranger(deviceId, `${leaf} from a device that is not enrolled`);
      return;
    }
    if (leaf === "gone") {
      // A last will may come long after its device is back. It is no sign of life, and ends the session that it names.
      const gone = goneMessage.safeParse(parsed.object);
      if (!gone.success) ignore(deviceId, "gone ignored: it names no session");
      else if (!sessions.gone(deviceId, gone.data.session) && sessions.of(deviceId) !== undefined)
        ignore(deviceId, "gone ignored: it is another session's");
      return;
    }
    options.lastSeen.note(deviceId);
    if (leaf === "hello") return sessions.hello(message, parsed.object);
    if (leaf === "proof") return sessions.proof(message, parsed.object);

    const id = parsed.object["session"];
    const session = sessions.find(deviceId, id);
    if (session === undefined || session.connection !== message.connection) {
      if (typeof id !== "string" || id.length > 64) {
        ignore(deviceId, `${leaf} ignored: it names no session`);
        return;
      }
      await message.reply(sessionRefusal(id, "session-unknown"));
      return;
    }
    if (!session.proven) {
      ignore(deviceId, `${leaf} ignored: the session is not proven`);
      return;
    }
    sessions.heard(session);
    await sessions.owning(session, () => inSession(message, session, parsed.object));
  }

  return {
    async take(message) {
      try {
        await options.turns.run(message.deviceId, () => take(message));
        return true;
      } catch (error) {
        if (error instanceof DeviceTakenOver) log.info({ device: message.deviceId }, error.message);
        else
          log.error(
            { err: error as Error, device: message.deviceId, leaf: message.leaf },
            "a message could not be dealt with",
          );
        // What was not stored is the sender's to say again; what failed otherwise would fail again.
        return !(error instanceof StorageUnavailable);
      }
    },
    refused(deviceId, what) {
      if (deviceId === undefined) {
        stranger(undefined, what);
        return;
      }
      options.isKnown(deviceId).then(
        (known) => (known ? deviceLog.add(deviceId, "refused-connection", what) : stranger(deviceId, what)),
        () => stranger(deviceId, what),
      );
    },
  };
}
