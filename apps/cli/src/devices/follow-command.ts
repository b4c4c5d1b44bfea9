// A command that was given to a device, until it is over.

import type { Client } from "@flipside/api/client";
import { everyPage } from "@flipside/api/every-page";
import type { Command } from "@flipside/api/types";
import { waitFor } from "./wait-for.ts";

const finalStates: readonly string[] = ["done", "refused", "failed", "expired"];

async function asItIs(api: Client, deviceId: string, id: string): Promise<Command | undefined> {
  const commands = await everyPage<Command>(async (query) => {
    const { commands, next } = await api("GET /api/v1/devices/:id/commands", { params: { id: deviceId }, query });
    return { members: commands, next };
  });
  return commands.find((each) => each.id === id);
}

export function followCommand(api: Client, given: Command, withinMs: number) {
  let last = given;
  return waitFor(given, {
    isOver: ({ state }) => finalStates.includes(state),
    look: async () => (last = (await asItIs(api, given.deviceId, given.id)) ?? last),
    withinMs,
  });
}

export function commandText({ id, kind, deviceId, state, codeName }: Command): string {
  return `${id}  ${kind} of ${deviceId}: ${state}${codeName === null ? "" : ` (${codeName})`}`;
}
