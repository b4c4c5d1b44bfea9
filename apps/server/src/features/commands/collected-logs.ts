// What a device's console has said lately, which a command asks for: its parts, as they come in one session, and the
// whole, kept as long as the command is.

import { collectedLogBytesMax } from "@flipside/api/limits";
import type { CollectedLog } from "@flipside/api/types";
import type { LogPart } from "@flipside/protocol/messages";
import { ApiError } from "../../http/errors.ts";
import { iso } from "../../identifiers.ts";
import type { Queries } from "../../storage/storage.ts";
import type { Session } from "../sessions/sessions.ts";

interface Collecting {
  command: string;
  parts: Map<number, string>;
}

/** Of each session one at a time. */
export class LogCollecting {
  readonly #sessions = new WeakMap<Session, Collecting>();

  /** The device has said that its console follows. */
  begin(session: Session, command: string): void {
    this.#sessions.set(session, { command, parts: new Map() });
  }

  is(session: Session, command: string): boolean {
    return this.#sessions.get(session)?.command === command;
  }

  /** The whole, when no part is missing any more; of one that is too long, its newest lines. */
  take(session: Session, { part, parts, text }: LogPart): string | undefined {
    const collecting = this.#sessions.get(session)!;
    collecting.parts.set(part, text);
    const inOrder: string[] = [];
    for (let i = 1; i <= parts; i++) {
      const one = collecting.parts.get(i);
      if (one === undefined) return undefined;
      inOrder.push(one);
    }
    this.#sessions.delete(session);
    return inOrder.join("").slice(-collectedLogBytesMax);
  }
}

export async function collectedLogOf(db: Queries, deviceId: string, commandId: string): Promise<CollectedLog> {
  const row = await db
    .selectFrom("collectedLogs")
    .selectAll()
    .where("commandId", "=", commandId)
    .where("deviceId", "=", deviceId)
    .executeTakeFirst();
  if (row === undefined)
    throw new ApiError(
      "not-found",
      "There is no such log: the device has no such command, or it has collected none yet.",
    );
  return { command: commandId, deviceId, collectedAt: iso(row.collectedAt), text: row.text };
}
