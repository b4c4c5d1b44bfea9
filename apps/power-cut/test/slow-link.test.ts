// An update over slow and bad links, by the device's own clock: the shipped agent against a server that sends whatever
// it is asked for, at once and as often as it is asked. Amounts are looked at, never times.

import { describe, expect, it } from "vitest";
import { KIB, layoutOf } from "@flipside/machine/factory/flash-layout";
import { loadModules } from "../src/device/modules.ts";
import type { Link } from "../src/device/slow-link.ts";
import { type Bad, steady, updateOver } from "../src/campaign/slow-links.ts";
import { subjectOfSources, readSubject } from "../src/campaign/subject.ts";
import { openCampaign } from "../src/stories/catalogue.ts";

describe("an update over a slow link", async () => {
  const { boot, agent } = readSubject(await subjectOfSources());
  const layout = layoutOf({ sectorBytes: 16 * KIB, pageBytes: 4 * KIB, slotBytes: 96 * KIB });
  const campaign = await openCampaign({
    modules: loadModules(boot, agent, { unchanged: false }),
    layout,
    payloadBytes: 60 * KIB,
  });
  const imageBytes = campaign.stories.get("first-update")!.story.wishes.image!.file.length;

  function update(bad: Bad): {
    sentToImage: number;
    connections: number;
    outcome: string | undefined;
    violations: string[];
  } {
    const { sentBytes, ...rest } = updateOver(campaign, 1, bad);
    return { sentToImage: sentBytes / imageBytes, ...rest };
  }

  const links: [string, Link][] = [
    ...[1_000, 1_500, 2_000, 3_000, 4_000, 8_000, 16_000, 64_000, 200_000].map((rate): [string, Link] => [
      `${rate} bytes a second`,
      steady(rate),
    ]),
    ["1,000 bytes a second by satellite", steady(1_000, 800)],
    ["20,000 bytes a second by satellite", steady(20_000, 800)],
    ["200,000 bytes a second by satellite", steady(200_000, 800)],
    [
      "fast, slow, fast",
      {
        phases: [
          { fromS: 0, bytesPerSecond: 20_000 },
          { fromS: 11, bytesPerSecond: 1_000 },
          { fromS: 40, bytesPerSecond: 200_000 },
        ],
        delayMs: 50,
      },
    ],
    [
      "slow, fast, slow",
      {
        phases: [
          { fromS: 0, bytesPerSecond: 1_000 },
          { fromS: 20, bytesPerSecond: 20_000 },
          { fromS: 21, bytesPerSecond: 1_000 },
        ],
        delayMs: 50,
      },
    ],
    ...[1_000, 4_000, 16_000].map((rate): [string, Link] => [
      `${rate} bytes a second, and nothing for 20 s`,
      {
        phases: [
          { fromS: 0, bytesPerSecond: rate },
          { fromS: 12.5, bytesPerSecond: 0 },
          { fromS: 32.5, bytesPerSecond: rate },
        ],
        delayMs: 50,
      },
    ]),
  ];

  it.each(links)("costs little more than the image, on one connection (%s)", (_, link) => {
    const { sentToImage, ...rest } = update({ link });
    expect(rest).toEqual({ connections: 1, outcome: "confirmed", violations: [] });
    expect(sentToImage).toBeLessThanOrEqual(1.15);
    expect(sentToImage).toBeGreaterThan(1);
  });

  it.each([1_000, 4_000, 16_000])("that is cut in the middle goes on where it was (%s bytes a second)", (rate) => {
    const { sentToImage, ...rest } = update({ link: steady(rate), cutAtS: 1 + 30_000 / rate });
    expect(rest).toEqual({ connections: 2, outcome: "confirmed", violations: [] });
    // What was under way is lost, and the session is proven anew.
    expect(sentToImage).toBeLessThanOrEqual(1.15 + (4 * rate + 2 * 4_096 + 2_048) / imageBytes);
  });

  it.each([1_000, 16_000, 200_000])("that loses chunks asks for them again (%s bytes a second)", (rate) => {
    const losesOnce = new Set([0, 3, 4, 14]);
    const { sentToImage, ...rest } = update({ link: steady(rate), losesOnce });
    expect(rest).toEqual({ connections: 1, outcome: "confirmed", violations: [] });
    expect(losesOnce.size).toBe(0);
    // Behind each that is lost, a window may come in vain.
    expect(sentToImage).toBeLessThanOrEqual(1.15 + (4 * 8 * 4_200) / imageBytes);
  });
});
