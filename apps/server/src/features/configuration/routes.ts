// /api/v1/devices/:id/configuration

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { pageOf } from "../../http/cursor.ts";
import type { Desiring } from "./desiring.ts";
import { configurationList, type ConfigurationReading } from "./reading.ts";

export function configurationRoutes(reading: ConfigurationReading, desiring: Desiring): BoundRoute[] {
  return [
    bind(routes.getConfiguration, ({ params }) => reading.one(params.id)),
    bind(routes.setConfiguration, async ({ params, body: { document }, user, note }) => {
      const before = await desiring.set(params.id, document, user.userName);
      note({ before: { document: before }, after: { document } });
      return reading.one(params.id);
    }),
    bind(routes.listConfigurations, ({ params, query }) =>
      reading.history(params.id, pageOf(configurationList, ["number"], query)),
    ),
    bind(routes.configureDevices, async ({ body, user, note }) => {
      const configured = await desiring.setMany(body, user);
      note({ after: configured });
      return configured;
    }),
  ];
}
