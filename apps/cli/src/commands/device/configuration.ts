// `flipside device configuration`

import { everyPage } from "@flipside/api/every-page";
import type { PastConfiguration } from "@flipside/api/types";
import { command, type Invocation } from "../../command-line/command.ts";
import { configurationText, historyText } from "../../devices/configuration-text.ts";

const options = {
  history: { what: "all that was set, the newest first, and what became of it" },
} as const;

async function run({ options: { history }, words, connect }: Invocation<typeof options>) {
  const api = connect();
  const params = { id: words[0]! };
  if (!history) {
    const configuration = await api("GET /api/v1/devices/:id/configuration", { params });
    return { json: configuration, text: configurationText(configuration) };
  }
  const configurations = await everyPage<PastConfiguration>(async (query) => {
    const page = await api("GET /api/v1/devices/:id/configuration/history", { params, query });
    return { members: page.configurations, next: page.next };
  });
  return { json: { configurations, next: null }, text: historyText(configurations) };
}

export const deviceConfiguration = command({
  name: "device configuration",
  summary: "The configuration that is desired of a device, the one in force, and what it refused",
  arguments: [{ name: "DEVICE", what: "its id" }],
  options,
  examples: ["flipside device configuration kitchen-7", "flipside device configuration kitchen-7 --history"],
  connects: true,
  run,
});
