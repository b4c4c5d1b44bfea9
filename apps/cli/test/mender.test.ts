// Devices with Mender's client, let in and kept out by commands at a real server.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { MenderDevice, newMac, pemOf } from "../../server/test/mender/device.ts";
import { type AtServer, atServer } from "./at-a-server.ts";

let at: AtServer;
let flipside: AtServer["flipside"];
beforeAll(async () => {
  at = await atServer(undefined, { member: undefined, imagesDir: undefined, mender: {} });
  flipside = at.flipside;
});
afterAll(() => at?.stop());

it("a stranger is listed, accepted, and rejected again", async () => {
  expect((await flipside("mender", "list")).said).toBe("no auth sets\n");
  const device = new MenderDevice(at.fixture, { mac: newMac() });
  expect((await device.authenticate()).status).toBe(401);
  const listed = await flipside("mender", "list", "--state", "pending", "--json");
  const { id } = JSON.parse(listed.said).authSets[0];
  expect((await flipside("mender", "list")).said).toContain(`mac=${device.identity["mac"]}`);

  expect(await flipside("mender", "accept", id)).toMatchObject({
    code: 3,
    complained: expect.stringContaining("product"),
  });
  const accepted = await flipside("mender", "accept", id, "--product", "pump", "--revision", "2", "--id", "pump-1");
  expect(accepted).toMatchObject({ code: 0, said: "pump-1 is let in by this key, and by no other\n" });
  expect((await device.authenticate()).status).toBe(200);
  expect((await device.next()).status).toBe(204);

  expect((await flipside("mender", "reject", id)).code).toBe(0);
  expect((await device.next()).status).toBe(401);
  expect(await flipside("mender", "list", "--state", "lost")).toMatchObject({ code: 2 });
});

it("a device is accepted before it comes", async () => {
  const device = new MenderDevice(at.fixture, { mac: newMac(), serial: "7" });
  const key = join(at.folder, "key.pem");
  writeFileSync(key, pemOf(device.keys));
  const line = ["mender", "preauthorize", "--key", key, "--product", "pump"];
  expect(await flipside(...line)).toMatchObject({ code: 2 });
  const members = Object.entries(device.identity).flatMap(([name, value]) => ["--identity", `${name}=${value}`]);
  expect(await flipside(...line, ...members)).toMatchObject({ code: 0 });
  expect((await device.authenticate()).status).toBe(200);
});
