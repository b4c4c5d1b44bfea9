// /api/devices/:id/commands

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import type { Commands } from "./commands.ts";

export function commandRoutes(commands: Commands): BoundRoute[] {
  return [
    bind(routes.listCommands, async ({ params }) => ({ commands: await commands.list(params.id) })),
    bind(routes.giveCommand, ({ params, body, user }) => {
      const { expiresInMs, ...action } = body;
      return commands.give(params.id, action, expiresInMs, user.userName);
    }),
  ];
}
