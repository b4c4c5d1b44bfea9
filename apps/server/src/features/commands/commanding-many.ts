// Many devices are given one command each.

import type { Storage } from "../../storage/storage.ts";
import type { SignedIn } from "../accounts/signed-in.ts";
import { type DeviceTarget, eachDevice } from "../devices/each-device.ts";
import type { Filtering } from "../devices/filtering.ts";
import type { CommandChannel } from "./command-channel.ts";
import type { Commands, GivenAction } from "./commands.ts";

export interface Commanded {
  given: number;
  full: number;
  leftOut: number;
  unknown: number;
  next: string | null;
}

/** Throws ApiError. */
export type CommandMany = (
  asked: DeviceTarget & { action: GivenAction; expiresInMs: number },
  by: Pick<SignedIn, "userName" | "scope">,
) => Promise<Commanded>;

export function createCommandingMany(options: {
  storage: Storage;
  filtering: Pick<Filtering, "sought">;
  channel: Pick<CommandChannel, "mustSign">;
  commands: Pick<Commands, "giveWithin">;
  pieceMax: number;
}): CommandMany {
  return async ({ action, expiresInMs, ...target }, { userName, scope }) => {
    options.channel.mustSign();
    return eachDevice(target, scope, {
      ...options,
      list: "commanded-devices",
      counted: ["given", "full", "leftOut"] as const,
      async visit(work, device) {
        if (device.revokedAt !== null || device.agent !== "flipside") return "leftOut";
        const row = await options.commands.giveWithin(work, device, action, expiresInMs, userName);
        return row === undefined ? "full" : "given";
      },
    });
  };
}
