// Commands to a device on the rig: what a server gives, one after the other, each when the one before it was
// answered, in the session that is.

import type { CommandParts } from "../../apps/power-cut/src/server/signed-command.ts";
import { signedCommand } from "../../apps/power-cut/src/server/signed-command.ts";
import { logPartMessage } from "@flipside/protocol/messages";
import type { SigningKey } from "@flipside/image-format";
import type { ScriptedServer } from "./scripted-server.ts";

/**
 * The kind, and its arguments. `document`: sent in place of the one that was signed; null: none. `after`: not given
 * before this holds.
 */
export type Given = Pick<CommandParts, "kind" | "host" | "port" | "seconds" | "configuration"> & {
  document?: Uint8Array | null;
  after?: () => boolean;
};

/** What of a rig is needed. */
interface Beside {
  readonly server: ScriptedServer;
}

export const idOf = (n: number): string => n.toString(16).padStart(32, "0");

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What is sent: command n has the id n, counted from 1. Each is given in every session until it was answered. */
export function give(operations: SigningKey, rig: Beside, commands: readonly Given[]): void {
  const numbers = new Map<string, number>();
  let onItsWay: string | undefined;
  rig.server.afterCheckIn = (_checkIn, session, send) => {
    const next = rig.server.answers.length;
    const command = commands[next];
    const way = `${session.deviceNonce} ${next}`;
    if (command === undefined || onItsWay === way || command.after?.() === false) return;
    onItsWay = way;
    const number = (numbers.get(session.deviceNonce) ?? 0) + 1;
    numbers.set(session.deviceNonce, number);
    const { document, after: _, ...parts } = command;
    const { deviceNonce } = session;
    send(
      signedCommand(operations, {
        deviceId: "power-cut",
        deviceNonce,
        id: idOf(next + 1),
        number,
        ...parts,
      }),
      document === null ? undefined : (document ?? command.configuration?.document),
    );
  };
}

/** The console that the device has told in answer to a command; undefined: not all of it is there. */
export function toldLog(rig: Beside, id: string): string | undefined {
  const parts = rig.server.logParts.filter(({ command }) => command === id).map((part) => logPartMessage.parse(part));
  const last = parts.at(-1);
  if (last === undefined || last.part !== last.parts) return undefined;
  if (parts.some(({ part, parts: all }, i) => part !== i + 1 || all !== last.parts))
    throw new Error(`parts out of order: ${JSON.stringify(parts.map(({ part, parts: all }) => [part, all]))}`);
  return parts.map(({ text }) => text).join("");
}
