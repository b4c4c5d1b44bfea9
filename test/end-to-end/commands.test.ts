// Commands and configurations on the real thing: the server with its operations key, a unikernel in QEMU and a virtual
// device, which make themselves known, tell their logs, go by what they are told to, and go back to their other slot;
// and the unikernel reboots when it is told to, and moves to another address of the same server and stays there.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command, Configuration, ConfigurationDocument, Device, NewCommand } from "@flipside/api/types";
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
const UPDATE_DEADLINE_MS = 180_000;
const virtualId = "virtual-01";

describe.skipIf(!hasQemu)("a device", () => {
  const folder = mkdtempSync(join(tmpdir(), "flipside-commands-"));
  let server: ServerProcess;
  let first: MqttProxy;
  let second: MqttProxy;
  let fleet: DemoFleet;
  let api: ConsoleClient;
  let nextReleaseId: string;

  beforeAll(async () => {
    const prepared = await prepare(folder, () => {});
    const { trustChainPath, operationsKeyPath } = prepared.keys;
    const signingKeys = [prepared.keys.release.privateJwk];
    const release = await buildSignedRelease({ version: "1.0.0", releaseSequence: 1, signingKeys });
    const claimsPath = join(folder, "claims.json");
    server = new ServerProcess({
      folder: join(folder, "server"),
      trustChainPath,
      operationsKeyPath,
      claimsPath,
      port: 0,
      mqttPort: 0,
      isMqttClear: true,
      pollMs: POLL_MS,
    });
    [first, second] = [new MqttProxy(() => server.mqttPort), new MqttProxy(() => server.mqttPort)];
    await Promise.all([first.listen(), second.listen()]);
    fleet = await DemoFleet.open({
      folder: join(folder, "fleet"),
      prepared,
      release,
      virtualDevices: 1,
      mqttPort: first.port,
      isMqttClear: true,
    });
    fleet.writeClaims(claimsPath);
    await server.start();
    await fleet.start();
    api = new ConsoleClient(`http://127.0.0.1:${new URL(server.url).port}`);
    await api.signIn("admin", server.firstPassword!, "four words in a row");
    const next = await buildSignedRelease({ version: "1.1.0", releaseSequence: 2, signingKeys });
    nextReleaseId = (await api.uploadRelease(next.file)).id;
  }, 240_000);

  afterAll(async () => {
    await fleet?.stop();
    await server?.stop();
    await Promise.all([first?.close(), second?.close()]);
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  const consoleOf = (id: string): readonly string[] =>
    id === unikernelId ? fleet.unikernel.console : fleet.virtual.devices.get(id)!.console;

  /** Looks again until there is something to return. */
  async function seen<T>(id: string, what: string, look: () => Promise<T | undefined>, deadlineMs = DEADLINE_MS) {
    const deadline = Date.now() + deadlineMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (Date.now() > deadline)
        throw new Error(`${what} was not seen in ${deadlineMs} ms\n${consoleOf(id).slice(-20).join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  const until = (what: string, holds: (device: Device) => boolean, id = unikernelId): Promise<Device> =>
    seen(id, `${id} ${what}`, async () => (await api.devices()).find((device) => device.id === id && holds(device)));

  /** Its health may be told before its first check-in, when that finds no room to be sent at once. */
  const isThere = (device: Device): boolean =>
    device.online && device.health === "healthy" && device.bootCounter !== null;

  async function carriedOut(body: NewCommand, id = unikernelId): Promise<Command> {
    const params = { id };
    const given = await api.call("POST /api/v1/devices/:id/commands", { params, body });
    const isOver = ({ state }: Command): boolean => !["waiting", "sent", "accepted"].includes(state);
    return seen(id, `the end of ${body.kind}`, async () => {
      const { commands } = await api.call("GET /api/v1/devices/:id/commands", { params });
      return commands.find((each) => each.id === given.id && isOver(each));
    });
  }

  async function configured(id: string, document: ConfigurationDocument): Promise<Configuration> {
    const params = { id };
    const set = await api.call("PUT /api/v1/devices/:id/configuration", { params, body: { document } });
    return seen(id, "what became of its configuration", async () => {
      const now = await api.call("GET /api/v1/devices/:id/configuration", { params });
      const isOver = now.state === "in-force" || now.state === "refused";
      return isOver && now.desired?.number === set.desired?.number ? now : undefined;
    });
  }

  describe.each([unikernelId, virtualId])("%s", (id) => {
    it("makes itself known, and tells what its console has said", { timeout: 150_000 }, async () => {
      await until("online", isThere, id);
      expect(await carriedOut({ kind: "identify", seconds: 2 }, id)).toMatchObject({ state: "done", code: 0 });
      const line = `identify: this is ${id}`;
      await seen(id, line, async () => consoleOf(id).find((each) => each.includes(line)));
      const { id: command, ...collected } = await carriedOut({ kind: "collect-logs" }, id);
      expect(collected).toMatchObject({ state: "done", code: 0 });
      const params = { id, command };
      const { text } = await api.call("GET /api/v1/devices/:id/commands/:command/log", { params });
      expect(text).toContain(line);
      expect(text.length).toBeLessThanOrEqual(4096);
    });

    it("goes by what its app takes, over a restart, and by nothing that it refuses", { timeout: 150_000 }, async () => {
      const before = await until("online", isThere, id);
      const document = { reportEverySeconds: 2, highestMilliC: 90_000 };
      expect(await configured(id, document)).toMatchObject({
        state: "in-force",
        desired: { number: 1 },
        reported: { number: 1, document },
      });
      expect(await configured(id, { reportEverySeconds: 0 })).toMatchObject({
        state: "refused",
        reported: { number: 1, document },
        refused: {
          number: 2,
          codeName: "configuration-refused",
          appCode: 5,
          text: "reportEverySeconds: an integer from 1 to 3600, given once",
        },
      });
      expect(await carriedOut({ kind: "reboot" }, id)).toMatchObject({ state: "done" });
      await until("back", (device) => isThere(device) && device.bootCounter! > before.bootCounter!, id);
      const params = { id };
      expect(await api.call("GET /api/v1/devices/:id/configuration", { params })).toMatchObject({
        state: "refused",
        reported: { number: 1, document },
      });
      expect(await configured(id, {})).toMatchObject({ state: "in-force", reported: { number: 3, document: {} } });
    });

    it("goes back to its other slot, which rolls its deployment back", { timeout: 400_000 }, async () => {
      const before = await until("online", isThere, id);
      expect(before.running?.version).toBe("1.0.0");
      const refused = await carriedOut({ kind: "roll-back" }, id);
      expect(refused, "nothing is there yet").toMatchObject({ state: "refused", codeName: "roll-back-impossible" });
      const { id: rolloutId } = await api.createRollout({
        name: `to ${id}`,
        releaseId: nextReleaseId,
        target: { deviceIds: [id] },
        waves: [{ percent: 100 }],
      });
      const ended = async () => {
        const rollout = await api.rollout(rolloutId);
        return rollout.state === "completed" ? rollout : undefined;
      };
      expect(await seen(id, "the end of the rollout", ended, UPDATE_DEADLINE_MS)).toMatchObject({
        counts: { confirmed: 1 },
      });
      const updated = await until("updated", (device) => isThere(device) && device.running?.version === "1.1.0", id);
      expect(updated.other).toMatchObject({ version: "1.0.0", state: "confirmed" });

      expect(await carriedOut({ kind: "roll-back" }, id)).toMatchObject({ state: "done", code: 0 });
      const back = await until("back", (device) => isThere(device) && device.running?.version === "1.0.0", id);
      expect(back).toMatchObject({
        running: { state: "confirmed" },
        other: { version: "1.1.0", state: "confirmed", reasonName: "rolled-back-by-command" },
      });
      expect(await api.rollout(rolloutId)).toMatchObject({
        state: "completed",
        counts: { confirmed: 0, "rolled-back": 1 },
        deployments: [{ state: "rolled-back", codeName: "rolled-back-by-command" }],
      });
      expect(await api.call("GET /api/v1/devices/:id/configuration", { params: { id } })).toMatchObject({
        state: "in-force",
        reported: { number: 3 },
      });
    });
  });

  it("reboots when it is told to", { timeout: 150_000 }, async () => {
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
