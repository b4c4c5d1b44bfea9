import { FIXED_HEADER_BYTES_MAX, putFixedHeader } from "@flipside/protocol/mqtt/fixed-header";
import { PacketType } from "@flipside/protocol/mqtt/packet";
import { describe, expect, it } from "vitest";
import { PacketGuard } from "../src/mqtt/packet-guard.ts";
import { maySubscribe, mayPublish, parseTopic, topicOf } from "@flipside/protocol/topics";
import { Random, seed } from "./random.ts";

/** A PUBLISH whose remaining length is so many bytes; below a topic's, a packet without a meaning. */
function packet(bodyBytes: number): number[] {
  const body = Array.from({ length: bodyBytes }, (_, i) => (i * 37) & 0xff);
  const header = new Uint8Array(FIXED_HEADER_BYTES_MAX);
  return [...header.subarray(0, putFixedHeader(header, 0, PacketType.Publish << 4, bodyBytes)), ...body];
}

describe("the packet guard", () => {
  it(`admits packets up to the limit and no larger, however the bytes are cut (FLIPSIDE_SEED=${seed})`, () => {
    const random = new Random(seed);
    for (let run = 0; run < 200; run++) {
      const sizes = Array.from({ length: 1 + random.below(6) }, () =>
        random.pick([0, 1, 127, 128, 299, 300, 301, 20_000]),
      );
      const bytes = Uint8Array.from(sizes.flatMap(packet));
      const guard = new PacketGuard(300);
      let admitted = true;
      for (let at = 0; at < bytes.length && admitted; ) {
        const length = 1 + random.below(random.pick([1, 3, 50, 1000]));
        admitted = guard.follow(bytes.subarray(at, at + length)) !== undefined;
        at += length;
      }
      expect(admitted, `${sizes}`).toBe(sizes.every((size) => size <= 300));
    }
  });

  it("refuses a length of more than four bytes", () => {
    expect(new PacketGuard(300).follow(Uint8Array.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x00]))).toBe(undefined);
  });
});

describe("topic rights", () => {
  it("are a device's own leaves, in the direction that they go", () => {
    const who = { deviceId: "dev-1", enrolling: false };
    expect(mayPublish(who, topicOf("dev-1", "check-in"))).toBe(true);
    expect(mayPublish(who, topicOf("dev-1", "offer"))).toBe(false);
    expect(mayPublish(who, topicOf("dev-2", "check-in"))).toBe(false);
    expect(maySubscribe(who, topicOf("dev-1", "offer"))).toBe(true);
    expect(maySubscribe(who, topicOf("dev-1", "check-in"))).toBe(false);
    expect(mayPublish({ ...who, enrolling: true }, topicOf("dev-1", "check-in"))).toBe(false);
    expect(mayPublish({ ...who, enrolling: true }, topicOf("dev-1", "enrol"))).toBe(true);
    expect(maySubscribe({ ...who, enrolling: true }, topicOf("dev-1", "offer"))).toBe(false);
  });

  it("hold for the device's own shard only", () => {
    const topic = topicOf("dev-1", "check-in");
    expect(parseTopic(topic)).toEqual({ deviceId: "dev-1", leaf: "check-in" });
    const wrongShard = topic.replace(/v1\/../, (shard) => (shard === "v1/00" ? "v1/01" : "v1/00"));
    expect(parseTopic(wrongShard)).toBeUndefined();
    for (const bad of [
      `${topic}/`,
      `/${topic}`,
      topic.toUpperCase(),
      topic.replace("dev-1", "dev_1"),
      "",
      "flipside/v1///",
    ])
      expect(parseTopic(bad), bad).toBeUndefined();
  });
});
