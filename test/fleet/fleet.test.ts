// The load generator itself: its devices are taken for devices by the real server, all the way to confirmed.

import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { measureFleet } from "./measure-fleet.ts";

const DEVICES = 20;
const IMAGE_BYTES = 40_000;

it("takes a fleet from enrolment to the last confirmation, and says what it cost", { timeout: 120_000 }, async () => {
  const figures = await measureFleet({
    devices: DEVICES,
    imageBytes: IMAGE_BYTES,
    pollMs: 1_000,
    generators: 2,
    rolloutMsMax: 60_000,
    nodeOptions: [],
    say: () => {},
  });
  expect(figures).toMatchObject({ devices: DEVICES, proven: DEVICES, confirmed: DEVICES });
  expect(figures.mosquittoBytesPerCpuSecond === null).toBe(!existsSync("/usr/sbin/mosquitto"));
  const numbers = [
    ...([
      "seconds",
      "bytesPerCpuSecond",
      "reAskRatio",
      "loopDelayP99Ms",
      "loopDelayMaxMs",
      "rssBytesPerDevice",
    ] as const),
    ...(["idleRssBytesPerDevice", "cpuMsPerDevice", "droppedConnections"] as const),
  ];
  for (const name of numbers) expect(figures[name], name).toEqual(expect.any(Number));
  const names = ["devices", "proven", "confirmed", "mosquittoBytesPerCpuSecond", ...numbers];
  expect(Object.keys(figures).sort()).toEqual(names.sort());
});
