// What the device has to say leaves it at once: nothing lies in it, written or known, until something else wakes the
// device.

import { buildImage, describeImage } from "@flipside/image-format";
import { beforeAll, expect, test } from "vitest";
import { imageFields } from "../../build/image-fields.ts";
import { virtualTarget } from "@flipside/machine/factory/targets";
import { type CampaignImage, imageOf } from "../../../power-cut/src/stories/images.ts";
import type { Workshop } from "../hosts/virtual-image.ts";
import type { Packet } from "@flipside/protocol/mqtt/packet";
import { MeddledDevice, messageOf, realAgent } from "./meddled-device.ts";

let workshop: Workshop;
let image: Uint8Array;
let next: CampaignImage;
beforeAll(async () => {
  ({ workshop, image } = await realAgent());
  const payload = image.subarray((await describeImage(image)).payloadOffset);
  const fields = imageFields(virtualTarget, { version: "1.0.2", releaseSequence: 2 });
  const signingKeys = [workshop.keys.release.privateJwk];
  next = await imageOf("next", await buildImage({ fields, payload, signingKeys }));
}, 240_000);

async function atWork(): Promise<MeddledDevice> {
  const bench = await MeddledDevice.powerOn(workshop, image);
  bench.run(10_000);
  bench.server.deployment = { id: "next", attempt: 1, image: next };
  return bench;
}

test("the next window is asked for as soon as the last one is through, also where all of that comes at once", async () => {
  const bench = await atWork();
  let held: Packet[] = [];
  const throughMs: number[] = [];
  bench.meddler.toDevice = (packet) => {
    if (messageOf(packet)?.leaf !== "chunk") return [packet.whole];
    held.push(packet);
    if (held.length < Number(bench.said("fetch").at(-1)!.json["count"])) return [];
    const window = Buffer.concat(held.map(({ whole }) => whole));
    held = [];
    throughMs.push(bench.clock.nowUs() / 1000);
    return [window];
  };
  bench.run(20_000);
  expect(bench.lines(/installed/)).toHaveLength(1);
  const fetches = bench.said("fetch");
  expect(fetches.length).toBeGreaterThan(4);
  expect(fetches.slice(1).map(({ atMs }, i) => atMs - throughMs[i]!)).toEqual(fetches.slice(1).map(() => 0));
});

test("that an image is installed is told as soon as it is", async () => {
  const bench = await atWork();
  let installedMs: number | undefined;
  bench.device.on("line", (line) => {
    if (line.includes("installed")) installedMs = bench.clock.nowUs() / 1000;
  });
  bench.run(20_000);
  const told = bench.said("state").find(({ json }) => json["state"] === "installed");
  expect(installedMs).toBeDefined();
  expect(told?.atMs).toBe(installedMs);
});
