// /api/v1/server-settings

import { routes } from "@flipside/api/routes";
import type { ServerSettings } from "@flipside/api/types";
import { bind, type BoundRoute } from "../../http/bind.ts";

export const serverSettingsRoutes = (settings: ServerSettings): BoundRoute[] => [
  bind(routes.getServerSettings, async () => settings),
];
