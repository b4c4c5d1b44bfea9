// A server that may offer signed images, and wants to wear flash out: it begins one after the other and lets none be
// installed. And an operator who starts and cancels now and then, who must not be kept waiting for it.

import { describe, expect, it } from "vitest";
import { measureHostileWear } from "../src/campaign/wear.ts";
import { openSubject } from "../src/campaign/open-subject.ts";
import { subjectOfSources } from "../src/campaign/subject.ts";

/** Without a wait, and by the doubling waits of 4, 8, … seconds in so many seconds. */
const beginningsIn = (seconds: number): number => {
  let count = 4;
  for (let wait = 4, at = 0; at + wait <= seconds; wait = Math.min(3_600, wait * 2)) {
    at += wait;
    count++;
  }
  // One more for the moment at which the run begins.
  return count + 1;
};

describe("two newer images, offered in turn", async () => {
  const campaign = await openSubject(await subjectOfSources(), "device");

  it.each([
    ["only the tables are answered", 0],
    ["a first chunk of each is answered", 1],
    ["a sector of each may be sealed", 2],
  ])("wear journal and slot by the budget, and no more (%s)", (_, payloadChunksMax) => {
    const { beginnings, journalErases, slotErases } = measureHostileWear(campaign, {
      payloadChunksMax,
      resetAfterS: 300,
      runs: 1,
    });
    expect(beginnings).toBeGreaterThan(5);
    expect(beginnings).toBeLessThanOrEqual(beginningsIn(300));
    expect(slotErases).toBeLessThanOrEqual(beginnings);
    expect(journalErases).toBeLessThanOrEqual(Math.ceil(beginnings / 4));
  });

  it("are not begun more often when the device is reset again and again", () => {
    // The first four runs use up what is free; then each run would have to last as long as the wait.
    const { beginnings, slotErases } = measureHostileWear(campaign, { payloadChunksMax: 1, resetAfterS: 60, runs: 40 });
    expect(beginnings).toBeLessThanOrEqual(beginningsIn(60) + 2);
    expect(slotErases).toBeLessThanOrEqual(beginnings);
  });

  it("are begun once an hour in the end", () => {
    const { beginnings } = measureHostileWear(campaign, { payloadChunksMax: 0, resetAfterS: 6 * 3_600, runs: 1 });
    expect(beginnings).toBeLessThanOrEqual(beginningsIn(6 * 3_600));
    expect(beginnings).toBeGreaterThan(12);
  });
});

describe("an operator", async () => {
  const { tested, stories } = await openSubject(await subjectOfSources(), "small");

  it("who starts, cancels and starts again is served: at once at first, then after seconds, and at once when an update has succeeded", () => {
    const { story, start } = stories.get("first-update")!;
    const { server } = tested;
    const { onCheckIn } = server;
    const image = story.wishes.image!;
    let checkIns = 0;
    const startsWanted = 6;
    const waits: number[] = [];
    server.onCheckIn = (checkIn) => {
      onCheckIn(checkIn);
      checkIns++;
      // Offered and withdrawn in turn; the last one stays, and is answered.
      const isLast = checkIns > 2 * startsWanted;
      server.wishes = isLast ? { image } : checkIns % 2 === 1 ? { image, payloadChunksMax: 0 } : {};
      waits.push(server.putOffMs);
    };
    try {
      const result = tested.powerUp({ ...story, lingerUs: 0 }, start, "as-new", 1);
      expect({ ...result, operations: 0 }).toMatchObject({ end: "settled", violations: [] });
      expect(server.memory.outcome).toBe("confirmed");
    } finally {
      server.onCheckIn = onCheckIn;
    }
    const putOffMs = Math.max(...waits);
    expect(putOffMs).toBeGreaterThan(0);
    expect(putOffMs).toBeLessThan(60_000);
  });
});
