// Two servers at two nodes of RabbitMQ, one at each, and devices at both: set up as docs/operations.md says, but that
// RabbitMQ asks at the servers' load balancer who may do what.

import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, it } from "vitest";
import { RabbitMqCluster, rabbitMqMissing } from "../../../../test/brokers/rabbitmq.ts";
import { FleetAtABroker } from "./fleet-at-a-broker.ts";
import { reservePort } from "../../../../packages/processes/test/reserved-port.ts";
import { haproxyMissing } from "./haproxy.ts";
import { type Member, SeveralServers } from "./several-servers.ts";

const missing = haproxyMissing ?? rabbitMqMissing;
if (missing !== undefined) console.warn(`skipped: two servers at two nodes of RabbitMQ: ${missing}`);

const devicesCount = 16;
const testMsMax = 240_000;

describe.skipIf(missing !== undefined)("servers at two nodes of RabbitMQ", { timeout: testMsMax }, () => {
  let rabbitMq: RabbitMqCluster;
  let several: SeveralServers;
  let fleet: FleetAtABroker;
  let a: Member;
  let b: Member;
  beforeAll(async () => {
    const brokerSecret = randomBytes(16).toString("hex");
    const httpPort = await reservePort();
    rabbitMq = await RabbitMqCluster.start(`http://127.0.0.1:${httpPort}/api/v1/broker/${brokerSecret}`);
    const [one, two] = rabbitMq.serverUrls as [string, string];
    several = await SeveralServers.start({
      brokerUrlOf: (name) => (name === "a" ? one : two),
      args: ["--broker-secret", brokerSecret],
      httpPort,
    });
    fleet = new FleetAtABroker(several);
    [a, b] = several.members as [Member, Member];
  }, testMsMax);
  afterAll(async () => {
    await fleet?.stop();
    await several?.stop();
    await rabbitMq?.stop();
  }, 60_000);

  it("share the devices, whichever node these are at, and carry out a rollout of two waves", async () => {
    await fleet.shared(["a", "b"]);
    await fleet.add(
      devicesCount,
      rabbitMq.mqttPorts.map((port) => `mqtt://127.0.0.1:${port}`),
    );
    await fleet.ownedByShard(["a", "b"]);
    await fleet.onlineAt([a, b]);
    const id = await fleet.rollOut(a, 2);
    await fleet.done(b, id);
  });

  it("go on when one is killed in the first wave: nothing is lost, nothing is installed twice", async () => {
    await fleet.survive(a, b, 3, "RabbitMQ");
    await a.start();
    await fleet.shared(["a", "b"]);
    await fleet.ownedByShard(["a", "b"]);
  });
});
