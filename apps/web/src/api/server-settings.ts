// With what options the server was started.

import type { ServerSettings } from "@flipside/api/types";
import { api } from "./http.ts";

export const readServerSettings = (): Promise<ServerSettings> => api("GET /api/v1/server-settings");
