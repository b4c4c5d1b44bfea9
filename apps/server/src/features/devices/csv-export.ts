// Devices as comma-separated values, sent as they are read: nobody holds a million of them.

import { once } from "node:events";
import type { Response } from "express";
import { deviceCsvHead, deviceCsvLine } from "@flipside/api/device-csv";
import { pageMembersMax } from "@flipside/api/limits";
import { turnOfTheLoop } from "../../turn-of-the-loop.ts";
import type { Devices } from "./devices.ts";

/** What went wrong before the first byte is thrown; after that the connection is broken off, which clients notice. */
export async function sendCsv(
  devices: Pick<Devices, "list">,
  asked: Parameters<Devices["list"]>[0],
  response: Response,
): Promise<void> {
  const limit = String(pageMembersMax);
  let page = await devices.list(asked, { limit });
  response.writeHead(200, {
    "Content-Type": "text/csv; charset=utf-8",
    "Content-Disposition": `attachment; filename="devices.csv"`,
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
  });
  response.write(deviceCsvHead);
  try {
    for (;;) {
      const isTaken = response.write(page.devices.map(deviceCsvLine).join(""));
      if (response.destroyed) return;
      if (page.next === null) break;
      if (!isTaken) await Promise.race([once(response, "drain"), once(response, "close")]);
      await turnOfTheLoop();
      page = await devices.list(asked, { limit, after: page.next });
    }
    response.end();
  } catch {
    response.destroy();
  }
}
