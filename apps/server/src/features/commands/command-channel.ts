// The one way by which commands go to a device: signed for its session, one at a time, the next when the last was
// answered. Whoever has something to send joins as a source; earlier ones go first.

import { buildCommand, type CommandAction, type SigningKey } from "@flipside/image-format";
import type { CommandAnswer } from "@flipside/protocol/messages";
import { signedCommand } from "@flipside/protocol/server-messages";
import { ApiError } from "../../http/errors.ts";
import type { Logger } from "../../logging.ts";
import type { DeviceLink } from "../../mqtt/device-link.ts";
import type { DeviceRow } from "../../storage/schema.ts";
import type { Turns } from "../../turns.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";

export interface Outgoing {
  /** 16 bytes in hex, by which the device's answer names it. */
  id: string;
  action: CommandAction;
  /** Stores that it is sent, before it is. */
  sending(): Promise<void>;
}

/** Both in the device's turn. */
export interface CommandSource {
  /** What is to be sent next; undefined: nothing. */
  next(session: Session): Promise<Outgoing | undefined>;
  /** False: it was not this source's. */
  answered(session: Session, answer: CommandAnswer): Promise<boolean>;
}

export interface CommandChannel {
  join(source: CommandSource): void;
  /** Throws ApiError when this server can't sign commands. */
  mustSign(): void;
  /** Sends what is next, unless something is on its way. In the device's turn. */
  sendNext(deviceId: string): Promise<void>;
  /** The same, when its turn comes. */
  wake(deviceId: string, first?: () => Promise<void>): void;
  answered(session: Session, answer: CommandAnswer): Promise<void>;
}

/** Throws ApiError: who is revoked, or has another agent than ours, gets none. */
export function mustTakeCommands({ agent, revokedAt }: Pick<DeviceRow, "agent" | "revokedAt">): void {
  if (revokedAt !== null) throw new ApiError("device-revoked", "A revoked device gets no commands.");
  if (agent !== "flipside")
    throw new ApiError(
      "agent-takes-no-commands",
      `The device's agent is not ours but one that speaks as for ${agent}: it can be updated, not commanded or configured.`,
    );
}

export function createCommandChannel(options: {
  /** Undefined: this server can't sign commands, or the newest trust record doesn't name its key any more. */
  operationsKey: () => SigningKey | undefined;
  sessions: Pick<Sessions, "of">;
  link: Pick<DeviceLink, "publish">;
  turns: Turns;
  deviceLog: DeviceLog;
  log: Logger;
}): CommandChannel {
  const { sessions } = options;
  const sources: CommandSource[] = [];

  async function sendNext(deviceId: string): Promise<void> {
    const operationsKey = options.operationsKey();
    const session = sessions.of(deviceId);
    if (operationsKey === undefined || !session?.checkedIn || session.commandOnItsWay !== undefined) return;
    for (const source of sources) {
      const next = await source.next(session);
      if (next === undefined) continue;
      const { action } = next;
      const command = await buildCommand({
        deviceId,
        deviceNonce: Buffer.from(session.deviceNonce, "base64url"),
        id: Buffer.from(next.id, "hex"),
        number: ++session.commandsSent,
        action,
        signingKeys: [operationsKey.privateJwk],
      });
      session.commandOnItsWay = next.id;
      await next.sending();
      if (sessions.of(deviceId) !== session) return;
      const document = action.kind === "set-configuration" ? action.document : undefined;
      await options.link.publish(deviceId, [signedCommand(session.id, command, document)]);
      return;
    }
  }

  return {
    join: (source) => void sources.push(source),
    mustSign() {
      if (options.operationsKey() === undefined)
        throw new ApiError(
          "no-operations-key",
          "Start the server with --operations-key and the file of a key that the newest trust record names as an operations key.",
        );
    },
    sendNext,
    wake(deviceId, first = async () => {}) {
      options.turns
        .run(deviceId, async () => {
          await first();
          await sendNext(deviceId);
        })
        .catch((error: unknown) =>
          options.log.error({ err: error as Error, device: deviceId }, "a command could not be sent"),
        );
    },
    async answered(session, answer) {
      const { deviceId } = session;
      if (session.commandOnItsWay !== answer.command) {
        options.deviceLog.add(deviceId, "refused-message", "answer ignored: no such command is on its way");
        return;
      }
      session.commandOnItsWay = undefined;
      for (const source of sources) if (await source.answered(session, answer)) break;
      await sendNext(deviceId);
    },
  };
}
