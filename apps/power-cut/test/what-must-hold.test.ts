// The judge keeps nothing of one power-up that it should have learnt of the next.

import { expect, it } from "vitest";
import { openSubject } from "../src/campaign/open-subject.ts";
import { subjectOfSources } from "../src/campaign/subject.ts";
import { noDefects, WhatMustHold } from "../src/checker/what-must-hold.ts";

it("takes what a slot holds of a lie for lost from the power-up in which the chip lies", async () => {
  const { tested, stories } = await openSubject(await subjectOfSources(), "small");
  const { story, start } = stories.get("first-update")!;
  const { layout, checker, board } = tested;
  const judge = new WhatMustHold({ layout, checker, ids: board.ids, images: new Map() });
  const sectorOf = (zone: "slotB" | "journal"): number => layout.zones[zone].offsetBytes / layout.sectorBytes;
  const begin = (liar?: { sector: number; isForGood: boolean; fades: boolean }): boolean => {
    judge.powerUpBegins(story, { ...noDefects, floor: start.floor, cuts: 0, wasOver: false, liar });
    return judge.defects.isRotten;
  };
  const lying = { isForGood: false, fades: true };
  expect(begin({ ...lying, sector: sectorOf("slotB") })).toBe(true);
  expect(begin({ ...lying, sector: sectorOf("journal") })).toBe(false);
  expect(begin()).toBe(false);
});
