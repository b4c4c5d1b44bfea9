// When a rollout is likely to end: by the pace of the wave that went last, over what is left.

import { emptyTally } from "@flipside/api/rollout-arithmetic";
import { expect, it } from "vitest";
import { type EstimateFacts, estimateOf } from "../src/domain/rollout-estimate.ts";

const minute = 60_000;
const now = Date.parse("2026-05-01T12:00:00Z");
const rules = { soakMs: 10 * minute, approval: false, startAt: null, deadlineMs: 24 * 60 * minute };
const done = (total: number) => ({ ...emptyTally(total), finished: total, succeeded: total, waiting: 0 });

/** The first wave took 20 min for 40 devices; the second has 160 to come. */
const facts: EstimateFacts = {
  state: "running",
  heldFor: null,
  isStopped: false,
  isPreparing: false,
  targetOpen: false,
  hasMaintenance: false,
  currentWave: 1,
  soakUntil: null,
  waves: [done(40), emptyTally(160)],
  rules: [rules, rules],
  pace: { wave: 0, finished: 40, isWhole: true, beganAt: now - 60 * minute, endedAt: now - 40 * minute },
  now,
};
const minutesLeft = (changes: Partial<EstimateFacts>): number | null => {
  const { endsAt } = estimateOf({ ...facts, ...changes });
  return endsAt === null ? null : (endsAt - now) / minute;
};

it("carries on the pace of the last wave over all that is left, with the time in which waves are watched", () => {
  expect(minutesLeft({})).toBe(80 + 10);
  expect(estimateOf(facts).sentence).toBe(
    "As wave 1 went (40 devices in 20 minutes): 160 devices and 1 time of watching are left.",
  );
  expect(minutesLeft({ waves: [done(40), emptyTally(160), emptyTally(20)], rules: [rules, rules, rules] })).toBe(110);
});

it("goes by the present wave as soon as one of its devices is done, and counts the silence since", () => {
  const pace = { wave: 1, finished: 10, isWhole: true, beganAt: now - 20 * minute, endedAt: now - 15 * minute };
  const second = { ...emptyTally(160), finished: 10, succeeded: 10, waiting: 150 };
  expect(minutesLeft({ pace, waves: [done(40), second] })).toBe(300 + 10);
});

it("knows what is watched already, waves with a start of their own, deadlines, and who was away", () => {
  expect(minutesLeft({ waves: [done(40), done(160)], soakUntil: now + 3 * minute })).toBe(3);
  const later = new Date(now + 600 * minute).toISOString();
  expect(
    minutesLeft({ currentWave: 0, waves: [done(40), emptyTally(160)], rules: [rules, { ...rules, startAt: later }] }),
  ).toBe(600 + 80 + 10);
  expect(minutesLeft({ rules: [rules, { ...rules, deadlineMs: 30 * minute }] })).toBe(30 + 10);
  expect(minutesLeft({ waves: [done(40), { ...emptyTally(160), waiting: 60, unreached: 100 }] })).toBe(30 + 10);
});

it.each([
  [[done(40), emptyTally(1)], null, "1 device and 1 time of watching are left."],
  [[done(40), emptyTally(1)], { ...rules, soakMs: 0 }, "1 device is left."],
  [[done(40), emptyTally(2)], { ...rules, soakMs: 0 }, "2 devices are left."],
  [[done(40), done(160)], null, "1 time of watching is left."],
  [[done(40), done(160)], { ...rules, soakMs: 0 }, "nothing is left but its end."],
])("says how many there are, one or several", (waves, second, said) => {
  const soakUntil = now + minute;
  const { sentence } = estimateOf({ ...facts, waves, soakUntil, rules: [rules, second ?? rules] });
  expect(sentence.split("): ")[1]).toBe(said);
});

it("says why nobody can say it", () => {
  const cases: [Partial<EstimateFacts>, RegExp][] = [
    [{ state: "paused" }, /paused/],
    [{ state: "completed" }, /over/],
    [{ isStopped: true }, /stopped/],
    [{ isPreparing: true }, /being made/],
    [{ targetOpen: true }, /stays open/],
    [{ heldFor: "joiners" }, /stays open/],
    [{ hasMaintenance: true }, /maintenance windows/],
    [{ pace: undefined }, /No device has come to its end yet/],
    [{ currentWave: 0, rules: [rules, { ...rules, approval: true }] }, /Wave 2 waits for somebody’s approval/],
  ];
  for (const [changes, sentence] of cases) {
    const estimate = estimateOf({ ...facts, ...changes });
    expect(estimate.endsAt, String(sentence)).toBeNull();
    expect(estimate.sentence).toMatch(sentence);
  }
  expect(minutesLeft({ rules: [{ ...rules, approval: true }, rules] }), "that one was given").toBe(90);
});
