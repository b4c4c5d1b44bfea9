// A noise source that gives zeros, gives nothing, or isn't there. Nonces still differ from boot to boot and from device
// to device, a session that was recorded can't be played back, nothing waits, and it is said.

import { beforeAll, describe, expect, test } from "vitest";
import type { Workshop } from "../hosts/virtual-image.ts";
import { PacketType } from "@flipside/protocol/mqtt/packet";
import { readPublish } from "@flipside/protocol/mqtt/read";
import { MeddledDevice, messageOf, publish, realAgent } from "./meddled-device.ts";

const ABSENT = -3;
const IO = -5;

let workshop: Workshop;
let image: Uint8Array;
beforeAll(async () => {
  ({ workshop, image } = await realAgent());
}, 240_000);

const sources: [string, (target: Uint8Array) => number | void, string][] = [
  ["gives zeros", (target) => void target.fill(0), "failed-health"],
  ["gives one byte again and again", (target) => void target.fill(0xa5), "failed-health"],
  ["says yes and writes nothing", () => {}, "failed-health"],
  [
    "gives two values in turn",
    (target) => void target.forEach((_, i) => (target[i] = i & 1 ? 0xaa : 0x55)),
    "failed-health",
  ],
  ["isn't there", () => ABSENT, "absent"],
  ["never answers", () => IO, "absent"],
];

/** Session ids and device nonces of some boots. */
async function nonces(
  entropy: (target: Uint8Array) => number | void,
  boots: number,
  deviceId?: string,
): Promise<string[]> {
  const bench = await MeddledDevice.powerOn(workshop, image, { entropy, ...(deviceId ? { deviceId } : {}) });
  for (let i = 0; ; i++) {
    bench.run(10_000);
    expect(bench.lines(/session proven/), bench.device.console.slice(-10).join("\n")).not.toEqual([]);
    if (i === boots) break;
    await bench.device.cutPower();
    bench.device.powerOn();
  }
  return [
    ...bench.said("hello").map(({ json }) => String(json["session"])),
    ...bench.said("proof").map(({ json }) => String(json["deviceNonce"])),
    ...bench.said("enrol").flatMap(({ json }) => (json["nonce"] ? [String(json["nonce"])] : [])),
  ];
}

describe.each(sources)("a source that %s", (_what, entropy, state) => {
  test(`is said, and the device goes on: ${state}`, async () => {
    const bench = await MeddledDevice.powerOn(workshop, image, { entropy });
    bench.run(10_000);
    expect(bench.lines(new RegExp(`entropy ${state}$`))).toHaveLength(1);
    expect(bench.said("check-in").at(-1)!.json["entropy"]).toBe(state);
  });

  test("gives nonces that differ from boot to boot, and from device to device", async () => {
    const all = [...(await nonces(entropy, 3)), ...(await nonces(entropy, 3, "another"))];
    expect(all.length).toBeGreaterThanOrEqual(18);
    expect(new Set(all).size).toBe(all.length);
  });
});

test("a good source is said to be one, and one that fails later is said at once", async () => {
  let isStuck = false;
  let state = 1;
  const bench = await MeddledDevice.powerOn(workshop, image, {
    entropy: (target) =>
      target.forEach(
        (_, i) => (target[i] = isStuck ? 0 : (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24),
      ),
  });
  bench.run(10_000);
  expect(bench.said("check-in").at(-1)!.json["entropy"]).toBe("good");
  isStuck = true;
  bench.run(120_000);
  expect(bench.said("check-in").at(-1)!.json["entropy"]).toBe("failed-health");
  isStuck = false;
  bench.run(180_000);
  expect(bench.said("check-in").at(-1)!.json["entropy"], "until the next boot").toBe("failed-health");
});

test("one that comes back after it was away is believed", async () => {
  let isAway = true;
  let state = 1;
  const bench = await MeddledDevice.powerOn(workshop, image, {
    entropy(target) {
      if (isAway) return IO;
      target.forEach((_, i) => (target[i] = (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24));
      return 0;
    },
  });
  bench.run(10_000);
  expect(bench.said("check-in").at(-1)!.json["entropy"]).toBe("absent");
  isAway = false;
  bench.run(70_000);
  expect(bench.said("check-in").at(-1)!.json["entropy"]).toBe("good");
  expect(bench.lines(/entropy good$/)).toHaveLength(1);
});

test("a session that was recorded can't be played back to a device whose source gives zeros", async () => {
  const bench = await MeddledDevice.powerOn(workshop, image, { entropy: (target) => void target.fill(0) });
  bench.run(10_000);
  const recorded = bench.received.map(({ packet }) => packet);
  const topics = recorded
    .filter(({ type }) => type === PacketType.Publish)
    .map((packet) => ({ topic: readPublish(packet).topic, message: messageOf(packet)! }));
  await bench.device.cutPower();
  // Whoever holds the connection has heard all, and knows neither secret nor key.
  let step = 0;
  bench.meddler = {
    toDevice: ({ type, whole }) => (type === PacketType.Publish ? [] : [whole]),
    fromDevice(packet, answer) {
      const message = messageOf(packet);
      if (message?.leaf !== "hello" && message?.leaf !== "proof") return true;
      const challenges = topics.filter(({ message: { leaf } }) => leaf === "challenge");
      const { topic, message: played } = challenges[step++ % challenges.length]!;
      // As it was, and with the session that the device names now.
      answer(publish(topic, played.text));
      answer(publish(topic, JSON.stringify({ ...played.json, session: message.json["session"] })));
      return true;
    },
  };
  bench.device.powerOn();
  const lines = bench.device.console.length;
  bench.run(120_000);
  expect(step).toBeGreaterThan(2);
  expect(bench.device.console.slice(lines).filter((line) => line.endsWith("session proven"))).toEqual([]);
});
