// Who downloads at the same time, and who waits for it.

import { expect, it } from "vitest";
import { delayMsMax, DownloadSlots, slotsAtFirst } from "../src/features/chunk-delivery/download-slots.ts";

function slots() {
  const state = { now: 0, told: [] as string[] };
  return {
    state,
    slots: new DownloadSlots(
      () => state.now,
      (deviceIds) => state.told.push(...deviceIds),
    ),
  };
}
const fill = (of: DownloadSlots): void => {
  for (let i = 0; i < slotsAtFirst; i++) expect(of.take(`d${i}`, false)).toBe(true);
};

it("one that finds no slot is told when one is free: urgent ones first, then in the order of asking", () => {
  const { state, slots: of } = slots();
  fill(of);
  for (const id of ["a", "b"]) expect(of.take(id, false)).toBe(false);
  expect(of.take("urgent", true)).toBe(false);
  of.free("d1");
  expect(state.told).toEqual(["urgent"]);
  expect(of.take("urgent", true)).toBe(true);
  of.free("d2");
  of.free("d3");
  expect(state.told).toEqual(["urgent", "a", "b"]);
});

it("one that has a slot has no other, and who goes on with a download is not sent away", () => {
  const { slots: of } = slots();
  fill(of);
  expect(of.take("d5", false)).toBe(true);
  of.touch("back again");
  expect(of.inUse).toBe(slotsAtFirst + 1);
  expect(of.mayTake("another")).toBe(false);
});

it("one that asks for nothing any more leaves its slot to others", () => {
  const { state, slots: of } = slots();
  fill(of);
  of.take("waiting", false);
  state.now = 29_000;
  of.touch("d0");
  state.now = 31_000;
  of.sweep(0);
  expect(state.told).toEqual(["waiting"]);
  expect(of.inUse).toBe(1);
});

it("there are more while all are in use and the loop is in time, and fewer when it is late", () => {
  const { slots: of } = slots();
  of.sweep(0);
  expect(of.max, "not all in use").toBe(slotsAtFirst);
  fill(of);
  of.sweep(0);
  expect(of.max).toBe(slotsAtFirst + 1);
  of.sweep(delayMsMax + 1);
  expect(of.max).toBe(Math.floor((slotsAtFirst + 1) * 0.75));
  for (let i = 0; i < 50; i++) of.sweep(1_000);
  expect(of.max, "some are always served").toBe(64);
});
