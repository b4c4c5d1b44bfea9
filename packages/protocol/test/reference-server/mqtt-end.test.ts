// The broker's end of a device's connection, against MQTT 3.1.1 and the table of docs/protocol.md, "Topics".

import { ConnectReturn, publishPacket } from "@flipside/protocol/mqtt/write";
import { packetsIn } from "@flipside/protocol/mqtt/packet-cutter";
import { takePacket } from "@flipside/protocol/reference-server/mqtt-end";
import { qosOf, serverLeaves } from "@flipside/protocol/topics";
import { generate, type Packet } from "mqtt-packet";
import { expect, it } from "vitest";

/** What happens at a packet, in order; what is sent, in hex. */
function at(packet: Uint8Array): string[] {
  const events: string[] = [];
  for (const one of packetsIn(packet))
    takePacket(
      one,
      {
        connect(userName, password) {
          events.push(`connect ${userName} ${password}`);
          return ConnectReturn.UserNameOrPassword;
        },
        message: (topic, payload) => void events.push(`${topic} ${Buffer.from(payload).toString()}`),
      },
      (bytes) => events.push(Buffer.from(bytes).toString("hex")),
    );
  return events;
}

const made = (packet: Packet): Uint8Array => generate(packet);

it("says to a connection what whoever stands behind it says", () => {
  const connect = { cmd: "connect", clientId: "dev-1", protocolId: "MQTT", protocolVersion: 4, clean: true } as const;
  expect(at(made({ ...connect, keepalive: 30, username: "dev-1", password: Buffer.from("pass") }))).toEqual([
    "connect dev-1 pass",
    "20020004",
  ]);
  expect(at(made({ ...connect, keepalive: 30 }))).toEqual(["connect  undefined", "20020004"]);
});

it("grants each subscription at QoS 1, and answers a ping", () => {
  const subscriptions = ["a/#", "b"].map((topic) => ({ topic, qos: 1 as const }));
  expect(at(made({ cmd: "subscribe", messageId: 0x0102, subscriptions }))).toEqual(["900401020101"]);
  expect(at(made({ cmd: "pingreq" }))).toEqual(["d000"]);
});

it("acknowledges a message at QoS 1 and hands it on, and one at QoS 0 without a word", () => {
  expect(at(publishPacket("a/b", "what", { qos: 1, packetId: 0x0304 }))).toEqual(["40020304", "a/b what"]);
  expect(at(publishPacket("a/b", "what"))).toEqual(["a/b what"]);
});

it("publishes all but chunks at QoS 1", () => {
  const bulk = serverLeaves.filter((leaf) => qosOf(leaf) === 0);
  expect(bulk).toEqual(["chunk"]);
  expect(serverLeaves.filter((leaf) => qosOf(leaf) === 1)).toHaveLength(serverLeaves.length - 1);
});
