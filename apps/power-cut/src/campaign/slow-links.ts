// Updates over slow and bad links, and by servers that don't let them come to an end: no power is cut. How many bytes
// they may cost is looked at with a longer image (test/slow-link.test.ts, test/hostile-offers.test.ts); here, what the
// device does.

import { type Link, SlowLink } from "../device/slow-link.ts";
import type { Campaign } from "../stories/catalogue.ts";
import type { Trouble } from "./trouble.ts";
import { measureHostileWear } from "./wear.ts";

export const steady = (bytesPerSecond: number, delayMs = 50): Link => ({
  phases: [{ fromS: 0, bytesPerSecond }],
  delayMs,
});

export interface Bad {
  link: Link;
  /** The connection is cut then. */
  cutAtS?: number;
  /** Chunks that are lost the first time; each is taken from the set. */
  losesOnce?: Set<number>;
}

export interface Updated {
  /** By the server, and connections of the device, until the reset. */
  sentBytes: number;
  connections: number;
  outcome: string | undefined;
  violations: string[];
}

/** The story of a first update, over a link. */
export function updateOver(
  { tested, stories }: Campaign,
  seed: number,
  { link, cutAtS = Infinity, losesOnce }: Bad,
): Updated {
  const { story, start } = stories.get("first-update")!;
  const slow = new SlowLink(tested.server.wire, link, () => tested.board.nowUs);
  slow.cutAtUs = cutAtS * 1e6;
  tested.link = slow;
  try {
    const { violations } = tested.powerUp(
      { ...story, lastsS: 3_600, wishes: { ...story.wishes, ...(losesOnce ? { losesOnce } : {}) } },
      start,
      "as-new",
      seed,
    );
    return {
      sentBytes: slow.sentBytes,
      connections: slow.connections,
      outcome: tested.server.memory.outcome,
      violations,
    };
  } finally {
    tested.link = undefined;
  }
}

function update(campaign: Campaign, seed: number, bad: Bad): string[] {
  const { sentBytes, connections, outcome, violations } = updateOver(campaign, seed, {
    ...bad,
    ...(bad.losesOnce ? { losesOnce: new Set(bad.losesOnce) } : {}),
  });
  campaign.tested.transcript?.note(`${sentBytes} bytes on ${connections} connections`);
  return outcome === "confirmed"
    ? violations
    : [`${outcome ?? "no outcome"}, where it was to be confirmed`, ...violations];
}

const links: [string, Bad][] = [
  ...[1_000, 4_000, 16_000, 200_000].map((rate): [string, Bad] => [
    `at ${rate} bytes a second`,
    { link: steady(rate) },
  ]),
  ["at 2,000 bytes a second by satellite", { link: steady(2_000, 800) }],
  ["at 200,000 bytes a second by satellite", { link: steady(200_000, 800) }],
  [
    "that is fast, slow and fast",
    {
      link: {
        phases: [
          { fromS: 0, bytesPerSecond: 20_000 },
          { fromS: 3, bytesPerSecond: 1_000 },
          { fromS: 12, bytesPerSecond: 200_000 },
        ],
        delayMs: 50,
      },
    },
  ],
  [
    "that stands still for 20 s",
    {
      link: {
        phases: [
          { fromS: 0, bytesPerSecond: 4_000 },
          { fromS: 4.5, bytesPerSecond: 0 },
          { fromS: 24.5, bytesPerSecond: 4_000 },
        ],
        delayMs: 50,
      },
    },
  ],
  ["that is cut in the middle", { link: steady(4_000), cutAtS: 4 }],
  ...[1_000, 16_000, 200_000].map((rate): [string, Bad] => [
    `at ${rate} bytes a second that loses chunks`,
    { link: steady(rate), losesOnce: new Set([0, 2, 3]) },
  ]),
];

export const slowLinks: readonly Trouble[] = [
  ...links.map(
    ([name, bad]): Trouble => ({
      name: `an update over a link ${name}`,
      play: (campaign, seed) => update(campaign, seed, bad),
    }),
  ),
  ...[0, 1, 2].map(
    (payloadChunksMax): Trouble => ({
      name: `two images offered in turn, of which ${payloadChunksMax} chunks are answered`,
      play(campaign) {
        try {
          const { beginnings } = measureHostileWear(campaign, { payloadChunksMax, resetAfterS: 120, runs: 3 });
          return beginnings > 3 ? [] : [`${beginnings} beginnings in three runs of 2 minutes`];
        } catch (error) {
          return [(error as Error).message];
        }
      },
    }),
  ),
];
