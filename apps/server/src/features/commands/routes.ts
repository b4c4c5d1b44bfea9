// /api/v1/devices/:id/commands

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { pageOf } from "../../http/cursor.ts";
import { commandList, type Commands } from "./commands.ts";
import type { CommandMany } from "./commanding-many.ts";

export function commandRoutes(commands: Commands, commandMany: CommandMany): BoundRoute[] {
  return [
    bind(routes.listCommands, ({ params, query }) => commands.list(params.id, pageOf(commandList, ["number"], query))),
    bind(routes.getCollectedLog, ({ params }) => commands.log(params.id, params.command)),
    bind(routes.giveCommand, ({ params, body, user }) => {
      const { expiresInMs, ...action } = body;
      return commands.give(params.id, action, expiresInMs, user.userName);
    }),
    bind(routes.commandDevices, async ({ body: { command, ...target }, user, note }) => {
      const { expiresInMs, ...action } = command;
      const commanded = await commandMany({ ...target, action, expiresInMs }, user);
      note({ after: commanded });
      return commanded;
    }),
  ];
}
