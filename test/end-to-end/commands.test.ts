// Commands on the real thing: the server with its operations key, and a unikernel in QEMU that reboots when it is told
// to, and moves to another address of the same server and stays there.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command, Device, NewCommand } from "@flipside/api/types";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasCommand } from "../../apps/agent/build/run-tool.ts";
import { buildSignedRelease } from "../../apps/agent/build/build-release.ts";
import { DemoFleet, unikernelId } from "../../apps/demo/src/demo-fleet.ts";
import { prepare } from "../../apps/demo/src/prepare.ts";
import { ServerProcess } from "../../apps/demo/src/server-process.ts";
import { ConsoleClient } from "./console-client.ts";
import { MqttProxy } from "./mqtt-proxy.ts";

const hasQemu = hasCommand("qemu-system-riscv32");
if (!hasQemu)
  console.warn("skipped: commands to a unikernel need qemu-system-riscv32 (apt-get install -y qemu-system-misc)");

const POLL_MS = 1_000;
const DEADLINE_MS = 60_000;

describe.skipIf(!hasQemu)("a unikernel", () => {
  const folder = mkdtempSync(join(tmpdir(), "flipside-commands-"));
  let server: ServerProcess;
  let first: MqttProxy;
  let second: MqttProxy;
  let fleet: DemoFleet;
  let api: ConsoleClient;

  beforeAll(async () => {
    const prepared = await prepare(folder, () => {});
    const { trustChainPath, operationsKeyPath } = prepared.keys;
    const release = await buildSignedRelease({
      version: "1.0.0",
      releaseSequence: 1,
      signingKeys: [prepared.keys.release.privateJwk],
    });
    const claimsPath = join(folder, "claims.json");
    server = new ServerProcess({
      folder: join(folder, "server"),
      trustChainPath,
      operationsKeyPath,
      claimsPath,
      port: 0,
      mqttPort: 0,
      pollMs: POLL_MS,
    });
    [first, second] = [new MqttProxy(() => server.mqttPort), new MqttProxy(() => server.mqttPort)];
    await Promise.all([first.listen(), second.listen()]);
    fleet = await DemoFleet.open({
      folder: join(folder, "fleet"),
      prepared,
      release,
      virtualDevices: 0,
      mqttPort: first.port,
    });
    fleet.writeClaims(claimsPath);
    await server.start();
    await fleet.start();
    api = new ConsoleClient(`http://127.0.0.1:${new URL(server.url).port}`);
    await api.signIn("admin", server.firstPassword!, "four words in a row");
  }, 240_000);

  afterAll(async () => {
    await fleet?.stop();
    await server?.stop();
    await Promise.all([first?.close(), second?.close()]);
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  async function until(what: string, holds: (device: Device) => boolean): Promise<Device> {
    const deadline = Date.now() + DEADLINE_MS;
    for (;;) {
      const device = (await api.devices()).find(({ id }) => id === unikernelId);
      if (device && holds(device)) return device;
      if (Date.now() > deadline)
        throw new Error(
          `the unikernel is not ${what} after ${DEADLINE_MS} ms: ${JSON.stringify(device)}\n${fleet.unikernel.console.slice(-20).join("\n")}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async function carriedOut(body: NewCommand): Promise<Command> {
    const params = { id: unikernelId };
    const { id } = await api.call("POST /api/v1/devices/:id/commands", { params, body });
    const deadline = Date.now() + DEADLINE_MS;
    for (;;) {
      const command = (await api.call("GET /api/v1/devices/:id/commands", { params })).commands.find(
        (each) => each.id === id,
      )!;
      if (!["waiting", "sent", "accepted"].includes(command.state)) return command;
      if (Date.now() > deadline)
        throw new Error(
          `the command is ${command.state} after ${DEADLINE_MS} ms\n${fleet.unikernel.console.slice(-20).join("\n")}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  it("reboots when it is told to", { timeout: 150_000 }, async () => {
    // Its health may be told before its first check-in, when that finds no room to be sent at once.
    const isThere = (device: Device): boolean =>
      device.online && device.health === "healthy" && device.bootCounter !== null;
    const before = await until("online", isThere);
    expect(await carriedOut({ kind: "reboot" })).toMatchObject({ state: "done", code: 0 });
    const after = await until("back", (device) => device.online && device.bootCounter! > before.bootCounter!);
    expect([after.bootCounter, after.bootReason]).toEqual([before.bootCounter! + 1, "requested"]);
  });

  it("moves to another address of its server, and stays there over a power cut", { timeout: 150_000 }, async () => {
    const address = { host: "10.0.2.2", port: second.port };
    expect((await until("online", (device) => device.online)).connection).toEqual({
      host: "10.0.2.2",
      port: first.port,
    });
    expect(await carriedOut({ kind: "set-connection", ...address })).toMatchObject({ state: "done", code: 0 });
    const moved = await until("moved", (device) => device.online && device.connection?.port === address.port);
    await first.close();
    await fleet.unikernel.cutPower();
    fleet.unikernel.powerOn();
    const after = await until("back", (device) => device.online && device.bootCounter! > moved.bootCounter!);
    expect(after.connection).toEqual(address);
  });
});
