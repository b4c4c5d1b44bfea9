// The broker's end of one device's connection: what MQTT 3.1.1 wants answered to the packets of a device. Subscriptions
// are granted and not looked at.

import { type Packet, PacketType } from "../mqtt/packet.ts";
import { readConnect, readPublish, readSubscribe } from "../mqtt/read.ts";
import { connackPacket, type ConnectReturn, emptyPacket, pubackPacket, subackPacket } from "../mqtt/write.ts";

/** What stands behind it. */
export interface Behind {
  connect(userName: string, password: string | undefined): ConnectReturn;
  message(topic: string, payload: Uint8Array): void;
}

const text = new TextDecoder();
const pingresp = emptyPacket(PacketType.Pingresp);

export function takePacket(packet: Packet, behind: Behind, send: (bytes: Uint8Array) => void): void {
  switch (packet.type) {
    case PacketType.Connect: {
      const { userName = "", password } = readConnect(packet);
      return send(connackPacket(behind.connect(userName, password && text.decode(password))));
    }
    case PacketType.Subscribe: {
      const { packetId, filters } = readSubscribe(packet);
      const granted = filters.map(() => 1);
      return send(subackPacket(packetId, granted));
    }
    case PacketType.Pingreq:
      return send(pingresp);
    case PacketType.Publish: {
      const { topic, payload, qos, packetId } = readPublish(packet);
      if (qos > 0) send(pubackPacket(packetId));
      behind.message(topic, payload);
    }
  }
}
