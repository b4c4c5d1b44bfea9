// Messages to and from the server: topics of this device, and JSON written straight into the outgoing packet.

import { compareBytes } from "../compare";
import { Errno } from "../exokernel";
import { TOPIC_ROOT } from "../format";
import { deviceIdBytes, deviceIdPtr } from "../identity/factory";
import { sha256 } from "../crypto";
import { JsonWriter } from "../json/writer";
import { MqttClient } from "../mqtt/client";
import { hexEncode } from "../text/hex";

/** What a device sends and receives; the names are the last part of a topic. */
export namespace Leaf {
  export const Enrol: string = "enrol";
  export const Enrolled: string = "enrolled";
  export const Hello: string = "hello";
  export const Challenge: string = "challenge";
  export const Proof: string = "proof";
  export const CheckIn: string = "check-in";
  export const Offer: string = "offer";
  export const Fetch: string = "fetch";
  export const Chunk: string = "chunk";
  export const State: string = "state";
  export const Trust: string = "trust";
  export const Telemetry: string = "telemetry";
  export const Log: string = "log";
  export const Gone: string = "gone";
  export const Command: string = "command";
  export const Answer: string = "answer";
}

const topic: usize = memory.data(96);
const digest: usize = memory.data(32);

export class Mailbox {
  readonly json: JsonWriter = new JsonWriter();
  private prefixBytes: u32 = 0;

  constructor(readonly mqtt: MqttClient) {}

  /** Once, when the device id is known. */
  open(): void {
    let length = put(topic, TOPIC_ROOT);
    sha256(deviceIdPtr(), deviceIdBytes(), digest);
    length += hexEncode(topic + length, digest, 1);
    store<u8>(topic + length++, 0x2f);
    memory.copy(topic + length, deviceIdPtr(), deviceIdBytes());
    length += deviceIdBytes();
    store<u8>(topic + length++, 0x2f);
    this.prefixBytes = length;
  }

  /** The topic of a leaf, in a buffer that the next call reuses; its length. */
  topicOf(leaf: string): u32 {
    return this.prefixBytes + put(topic + this.prefixBytes, leaf);
  }

  topicPtr(): usize {
    return topic;
  }

  /** Whether the message that the client delivered last came on this leaf. */
  isFrom(leaf: string): bool {
    const client = this.mqtt;
    return client.topicLength == this.topicOf(leaf) && compareBytes(client.topicPtr, topic, client.topicLength) == 0;
  }

  subscribe(leaf: string, nowUs: i64): i32 {
    const length = this.topicOf(leaf);
    return this.mqtt.subscribe(topic, length, 1, nowUs);
  }

  /**
   * Begins a JSON object in a message of at most `bytesMax`; false when there is no room now. Then write, then `send`.
   */
  begin(leaf: string, bytesMax: u32, qos: u32): bool {
    const length = this.topicOf(leaf);
    const at = this.mqtt.beginPublish(topic, length, bytesMax, qos, false);
    if (at < 0) return false;
    this.json.begin(<usize>at, bytesMax);
    this.json.beginObject();
    return true;
  }

  /** Ends the object and sends it. 0 or more, or an Errno (what was written did not fit). */
  send(): i32 {
    this.json.endObject();
    const length = this.json.finish();
    if (length < 0) return Errno.Argument;
    return this.mqtt.commitPublish(length);
  }
}

function put(at: usize, text: string): u32 {
  for (let i: i32 = 0; i < text.length; i++) store<u8>(at + i, <u8>text.charCodeAt(i));
  return text.length;
}
