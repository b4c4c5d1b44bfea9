// A folder of before TLS keeps its devices: they are not told to speak what their image does not.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { demoGeometry, identityPath } from "@flipside/machine/node/manufacture";
import { wasMadeInClear } from "../src/demo-fleet.ts";

function fleetWith(...hosts: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "flipside-fleet-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const virtual = join(folder, "virtual");
  if (hosts.length > 0) mkdirSync(virtual);
  for (const [i, host] of hosts.entries()) {
    const device = { deviceId: `virtual-${i}`, server: { host, port: 1883 }, geometry: demoGeometry };
    const secrets = { deviceKey: "a", claimSecret: "b" };
    writeFileSync(identityPath(virtual, device.deviceId), JSON.stringify({ ...device, ...secrets }));
  }
  return folder;
}

it("is known by the servers that its devices were told of", () => {
  expect(wasMadeInClear(fleetWith())).toBe(false);
  expect(wasMadeInClear(fleetWith("tls:127.0.0.1"))).toBe(false);
  expect(wasMadeInClear(fleetWith("127.0.0.1"))).toBe(true);
  expect(wasMadeInClear(fleetWith("tls:127.0.0.1", "127.0.0.1"))).toBe(true);
});
