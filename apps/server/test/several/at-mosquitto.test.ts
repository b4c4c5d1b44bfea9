// Several servers at one Mosquitto, which keeps devices' accounts, set up as docs/operations.md says: they lease the
// devices' shards from their database.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Mosquitto, mosquittoMissing } from "../../../../test/brokers/mosquitto.ts";
import { FleetAtABroker, seconds } from "./fleet-at-a-broker.ts";
import { haproxyMissing } from "./haproxy.ts";
import { type Member, SeveralServers } from "./several-servers.ts";

const missing = haproxyMissing ?? mosquittoMissing;
if (missing !== undefined) console.warn(`skipped: several servers at one Mosquitto: ${missing}`);

const devicesCount = 24;
const testMsMax = 240_000;

describe.skipIf(missing !== undefined)("servers that share a Mosquitto", { timeout: testMsMax }, () => {
  let mosquitto: Mosquitto;
  let several: SeveralServers;
  let fleet: FleetAtABroker;
  let a: Member;
  let b: Member;
  let c: Member;
  beforeAll(async () => {
    mosquitto = await Mosquitto.start();
    const users: Record<string, string> = { a: mosquitto.serverUrl };
    for (const name of ["b", "c"]) users[name] = mosquitto.addServer(name);
    several = await SeveralServers.start({
      brokerUrlOf: (name) => users[name]!,
      args: ["--mqtt-accounts", "mosquitto"],
    });
    fleet = new FleetAtABroker(several);
    [a, b] = several.members as [Member, Member];
  });
  afterAll(async () => {
    await fleet?.stop();
    await several?.stop();
    await mosquitto?.stop();
  });

  it("have half of the shards each, and each device is the one's that has its shard", async () => {
    await fleet.shared(["a", "b"]);
    await fleet.add(devicesCount, [`mqtt://127.0.0.1:${mosquitto.mqttPort}`]);
    await fleet.ownedByShard(["a", "b"]);
    await fleet.onlineAt([a, b]);
  });

  it("carry out a rollout of two waves", async () => {
    const id = await fleet.rollOut(a, 2);
    await fleet.done(b, id);
  });

  it("go on when one is killed in the first wave: nothing is lost, nothing is installed twice", async () => {
    await fleet.survive(a, b, 3, "Mosquitto");
  });

  it("give others their share when these come, and take it back when they end in order", async () => {
    await a.start();
    c = await several.add("c");
    await fleet.shared(["a", "b", "c"]);
    await fleet.ownedByShard(["a", "b", "c"]);
    const id = await fleet.rollOut(c, 4);
    await fleet.underWay(b, id);
    await a.end("SIGTERM");
    await fleet.shared(["b", "c"]);
    await fleet.done(c, id);
    await fleet.ownedByShard(["b", "c"]);
    await fleet.onlineAt([b, c]);
  });

  it("do nothing by what they held when they wake after their lease", async () => {
    const held = (await fleet.owned())["b"]!;
    const id = await fleet.rollOut(c, 5);
    await fleet.underWay(c, id);
    b.child.kill("SIGSTOP");
    try {
      const stoppedMs = performance.now();
      const againMs = await fleet.sessionsSince(stoppedMs, held);
      console.log(`one of two servers hangs: its ${held.length} devices all under way again after ${seconds(againMs)}`);
      await fleet.shared(["c"]);
      await fleet.done(c, id);
    } finally {
      b.log = [];
      b.child.kill("SIGCONT");
    }
    await expect.poll(() => b.said()).toMatch(/gives up its devices/);
    // It takes part again, and what was done without it stands.
    await fleet.shared(["b", "c"]);
    await fleet.ownedByShard(["b", "c"]);
    await fleet.done(c, id);
    const next = await fleet.rollOut(b, 6);
    await fleet.done(b, next);
  });

  it("leave what one can't hear to the others", async () => {
    mosquitto.disable("flipside-b");
    await fleet.shared(["c"]);
    await fleet.ownedByShard(["c"]);
    mosquitto.enable("flipside-b");
    await fleet.shared(["b", "c"]);
    await fleet.ownedByShard(["b", "c"]);
  });

  it("end a device everywhere when it is revoked at one that does not have it", async () => {
    const id = (await fleet.owned())["b"]![0]!;
    const { device } = fleet.lives.find((life) => life.device.id === id)!;
    expect((await several.at(c).post(`/api/v1/devices/${id}/revoke`)).status).toBe(200);
    // Mosquitto has no account of it any more, and so ends its connection.
    await expect
      .poll(() =>
        device.connect().then(
          () => true,
          () => false,
        ),
      )
      .toBe(false);
    for (const member of [b, c])
      await several.at(member).until(`/api/v1/devices/${id}`, ({ online, revokedAt }) => !online && revokedAt !== null);
  });
});
