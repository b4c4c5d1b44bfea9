// Who is told what to do: nothing that changes while an offer is made is forgotten.

import { expect, it } from "vitest";
import type { Follower } from "../src/changes/feed.ts";
import { createOffers, type OffersOptions } from "../src/features/deployments/offers.ts";
import { createLogger } from "../src/logging.ts";
import { Turns } from "../src/turns.ts";

const session = { id: "a session", checkedIn: true };

function offersOf(offerFor: () => Promise<undefined>) {
  let follower: Follower = () => {};
  let sent = 0;
  const turns = new Turns();
  const offers = createOffers({
    link: { publish: async () => ++sent > 0 },
    sessions: { of: () => session, owning: (_session: unknown, work: () => unknown) => work() },
    offering: { offerFor },
    feed: { follow: (given: Follower) => (follower = given) },
    releaseStates: { next: () => Promise.resolve(undefined) },
    ...{ turns, pollMs: 1_000, log: createLogger("silent") },
  } as unknown as OffersOptions);
  const tellTurn = (): void => follower({ kind: "turn", deviceIds: ["dev-1"] }, undefined);
  return { offers, turns, tellTurn, sent: () => sent };
}

it("what changes while a device is answered is told after it", async () => {
  let release = (): void => {};
  const isReleased = new Promise<void>((resolve) => (release = resolve));
  let asked = 0;
  const { offers, turns, tellTurn, sent } = offersOf(async () => {
    // It found no place to download, and waits for something else yet.
    if (++asked === 1) await isReleased;
    return undefined;
  });
  const answered = turns.run("dev-1", () => offers.answer("dev-1"));
  await new Promise((resolve) => setImmediate(resolve));
  tellTurn();
  release();
  await answered;
  await turns.idle();
  expect(asked, "asked again, as there is a place now").toBe(2);
  expect(sent()).toBe(2);
});

it("what changed before a device was answered is told with that", async () => {
  let asked = 0;
  const { offers, turns, tellTurn, sent } = offersOf(async () => void asked++ as undefined);
  const checkIn = turns.run("dev-1", async () => {
    tellTurn();
    await offers.answer("dev-1");
  });
  await checkIn;
  await turns.idle();
  expect([asked, sent()]).toEqual([1, 1]);
});
