// Whether one board speaks for a device, or two: by the order of what its sessions say.

import { describe, expect, it } from "vitest";
import {
  type BoardTrail,
  conflictReturnsMin,
  conflictUntilMs,
  conflictWindowMs,
  type MessageOrder,
  noTrail,
  sessionSpoke,
} from "../src/domain/identity-conflict.ts";
import type { Now } from "../src/domain/now.ts";
import { Random, seed } from "./random.ts";

/** A session's first and last message. */
type Spoken = [first: MessageOrder, last: MessageOrder];
const at = (boot: number, sequence: number): MessageOrder => ({ boot, sequence });
/** Of one run: messages from this number to that. */
const run = (boot: number, first: number, last = first): Spoken => [at(boot, first), at(boot, last)];

/** The wall clock shows something else. */
const nowAt = (steadyMs: number): Now => ({ steadyMs, wallMs: steadyMs + wallAheadMs });
const wallAheadMs = 500_000;

/** The trail after these sessions, one each so many milliseconds. */
function trailOf(sessions: readonly Spoken[], eachMs = 1_000): BoardTrail {
  let trail = noTrail;
  let last: MessageOrder | undefined;
  sessions.forEach(([first, newest], i) => {
    if (last !== undefined) trail = sessionSpoke(trail, last, first, nowAt(i * eachMs));
    last = newest;
  });
  return trail;
}

const turns = (count: number, ofTurn: (i: number) => Spoken[]): Spoken[] =>
  Array.from({ length: count }, (_, i) => ofTurn(i)).flat();

describe("one board is no conflict", () => {
  it.each<[string, Spoken[]]>([
    ["when its link comes and goes", turns(50, (i) => [run(7, 1 + 3 * i, 3 + 3 * i)])],
    ["when each connection is lost before its second message", turns(50, (i) => [run(7, 1 + i)])],
    ["when most of what it says is lost", turns(50, (i) => [run(7, 1 + 40 * i)])],
    ["when it starts anew again and again", turns(50, (i) => [run(7 + i, 1, 2)])],
    [
      "when its boot counter was lost once",
      [run(17, 1, 90), ...turns(30, (i) => [run(1 + i, 1, 9), run(1 + i, 10, 99)])],
    ],
    [
      "when its flash is set back again and again, and it walks the same way each time",
      turns(20, () => [run(5, 1, 9), run(5, 10, 30), run(6, 1, 9), run(6, 10, 20)]),
    ],
  ])("%s", (_, sessions) => {
    expect(conflictUntilMs(trailOf(sessions))).toBe(null);
  });
});

describe("two boards are one", () => {
  it.each<[string, Spoken[]]>([
    ["of different boot counters", turns(6, (i) => [run(17, 1 + i), run(5, 1 + i)])],
    ["of the same boot counter", turns(6, (i) => [run(1, 1 + i), run(1, 1 + i)])],
    ["of the same boot counter, one ahead by what it says in a turn", turns(9, (i) => [run(1, 1 + i), run(1, 2 + i)])],
    [
      "when each says much in its turn",
      turns(6, (i) => [run(3, 1 + 90 * i, 90 + 90 * i), run(1, 1 + 50 * i, 50 + 50 * i)]),
    ],
    [
      "when one starts anew in between",
      turns(12, (i) => [run(17 + Math.floor(i / 3), 1 + i), run(5 + Math.floor(i / 4), 1 + i)]),
    ],
    [
      "when each connects twice in its turn",
      turns(6, (i) => [run(9, 1 + 2 * i), run(9, 2 + 2 * i), run(2, 1 + i, 2 + i)]),
    ],
  ])("%s", (_, sessions) => {
    expect(conflictUntilMs(trailOf(sessions))).not.toBe(null);
  });

  it("from the third time on that a run which had been left goes on, since the first", () => {
    const sessions = turns(4, (i) => [run(17, 1 + i), run(5, 1 + i)]);
    expect(trailOf(sessions.slice(0, 6)).shown).toBe(null);
    const trail = trailOf(sessions.slice(0, 7));
    expect(trail).toMatchObject({
      shown: { sinceMs: wallAheadMs + 2_000, lastMs: wallAheadMs + 6_000 },
      returnsMs: [2_000, 4_000, 6_000],
    });
    expect(conflictUntilMs(trail)).toBe(6_000 + conflictWindowMs);
  });

  it("not when they take turns too seldom for that", () => {
    const sessions = turns(20, (i) => [run(17, 1 + i), run(5, 1 + i)]);
    expect(conflictUntilMs(trailOf(sessions, conflictWindowMs / 2 / (conflictReturnsMin - 1)))).toBe(null);
  });

  it("whose beginning stays while it goes on, and is a new one after it was over", () => {
    const sessions = turns(20, (i) => [run(17, 1 + i), run(5, 1 + i)]);
    const trail = trailOf(sessions);
    expect(trail.shown!.sinceMs).toBe(wallAheadMs + 2_000);
    const [first, last] = [at(17, 50), at(5, 50)];
    const later = (nowMs: number): BoardTrail =>
      sessionSpoke({ ...trail, left: at(17, 40) }, last, first, nowAt(nowMs));
    expect(later(conflictUntilMs(trail)! - 1).shown!.sinceMs).toBe(wallAheadMs + 2_000);
    expect(later(conflictUntilMs(trail)!).shown, "one is not enough for the next").toBe(null);
  });
});

describe(`of a world by chance (FLIPSIDE_SEED=${seed})`, () => {
  /** A board: its next session, after what may have happened to it meanwhile. */
  function board(random: Random, boot: number): () => Spoken {
    const now = at(boot, 0);
    return () => {
      if (random.below(4) === 0) Object.assign(now, at(now.boot + 1 + random.below(2), 0));
      now.sequence += 1 + random.below(3);
      const first = { ...now };
      now.sequence += random.below(6);
      return [first, { ...now }];
    };
  }

  it("one board is never in conflict with itself", () => {
    for (let i = 0; i < 200; i++) {
      const random = new Random(seed + i);
      const speak = board(random, 1 + random.below(9));
      const trail = trailOf(turns(100, () => [speak()]));
      expect(trail, `world ${i}`).toEqual(noTrail);
    }
  });

  it("two boards that take turns, and seldom start anew, are noticed within thirty turns", () => {
    for (let i = 0; i < 200; i++) {
      const random = new Random(seed + i);
      const calm = (boot: number): (() => Spoken) => {
        const now = at(boot, random.below(20));
        return () => {
          if (random.below(40) === 0) Object.assign(now, at(now.boot + 1, 0));
          const first = at(now.boot, now.sequence + 1);
          now.sequence += 1 + random.below(6);
          return [first, { ...now }];
        };
      };
      const [one, other] = [calm(1 + random.below(4)), calm(1 + random.below(4))];
      expect(conflictUntilMs(trailOf(turns(30, () => [one(), other()]))), `world ${i}`).not.toBe(null);
    }
  });
});
