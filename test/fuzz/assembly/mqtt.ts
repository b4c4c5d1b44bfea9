// The MQTT client on a stream that gives it the input in pieces. What the client tells is written down, so that runs
// with other pieces can be compared. AssemblyScript.

import { MqttClient, MqttEvent } from "../../../apps/agent/src/mqtt/client";
import { MqttSettings } from "../../../apps/agent/src/mqtt/settings";
import { PiecesStream } from "./pieces-stream";

const INCOMING_BYTES: u32 = 512;
const POLLS_MAX: i32 = 4096;

const stream = new PiecesStream(4);
const settings = new MqttSettings();
const clientId: usize = memory.data<u8>([0x66, 0x75, 0x7a, 0x7a]);
settings.clientIdPtr = clientId;
settings.clientIdLength = 4;
settings.hostPtr = clientId;
settings.hostLength = 4;
settings.port = 1883;
const client = new MqttClient(stream, settings, 1, INCOMING_BYTES, 1024, 4, 256);

let hash: u32 = 0;
let messages: u32 = 0;

function note(value: u32): void {
  hash = (hash ^ value) * 16777619;
}
function noteBytes(ptr: usize, length: u32): void {
  for (let i: u32 = 0; i < length; i++) note(load<u8>(ptr + i));
}

export function messageCount(): u32 {
  return messages;
}

/** Hash of what the client told until the stream was read up or the connection was lost. From a snapshot each time. */
export function run(ptr: usize, length: u32, piece: u32, random: u32): u32 {
  hash = 2166136261;
  messages = 0;
  stream.give(ptr, length, piece, random);
  const nowUs: i64 = 1000;
  client.start(nowUs);
  let idle: i32 = 0;
  for (let i = 0; i < POLLS_MAX && idle < 64; i++) {
    const event = client.poll(nowUs);
    if (event == MqttEvent.None) {
      idle = stream.isReadUp() ? idle + 32 : idle;
      continue;
    }
    note(event);
    if (event == MqttEvent.Connected) {
      note(client.sessionPresent ? 1 : 0);
      client.subscribe(clientId, 4, 1, nowUs);
      client.publish(clientId, 4, clientId, 4, 1, false);
      client.publish(clientId, 4, clientId, 4, 1, false);
    } else if (event == MqttEvent.Message) {
      messages++;
      // The settings bound topic and payload; a message must lie in memory that is the module's.
      if (client.topicLength + client.payloadLength > INCOMING_BYTES || client.topicLength == 0) unreachable();
      note(client.topicLength);
      noteBytes(client.topicPtr, client.topicLength);
      note(client.payloadLength);
      noteBytes(client.payloadPtr, client.payloadLength);
      note(client.qos | (client.retain ? 4 : 0) | (client.duplicate ? 8 : 0));
    } else if (event == MqttEvent.Disconnected || event == MqttEvent.Refused) {
      note(event == MqttEvent.Refused ? client.returnCode : client.reason);
      break;
    } else {
      note(client.packetId);
      note(event == MqttEvent.Subscribed ? client.returnCode : 0);
    }
  }
  note(client.skippedMessages);
  note(client.strayAcks);
  return hash;
}
