// What the bench takes for the wait of a request, from marks at the card.

import { expect, it } from "vitest";
import { ANSWER_MARK, quantile, REQUEST_MARK, waitsOf } from "./waits.ts";

const request = (instructions: number) => ({ which: REQUEST_MARK, instructions });
const answer = (instructions: number) => ({ which: ANSWER_MARK, instructions });
/** So that a few unclear ones are few. */
const sound = Array.from({ length: 100 }, (_, i) => [request(1000 * i), answer(1000 * i + 10 + i)]).flat();

it("is from each request to its answer, in order of size", () => {
  expect(waitsOf([request(100), answer(150), request(200), answer(220)])).toEqual([20, 50]);
});

it("leaves out a request that was answered twice, and the next one, which the repetition may be taken for", () => {
  const marks = [request(-500), answer(-400), answer(-300), ...sound];
  expect(waitsOf(marks)).toEqual(waitsOf(sound).slice(1));
});

it("is refused where a request has no answer, none came, or many were answered twice", () => {
  expect(() => waitsOf([])).toThrow(/0 requests/);
  expect(() => waitsOf([request(1), request(2), answer(3)])).toThrow(/some have no answer/);
  expect(() => waitsOf([request(1), answer(2), answer(3), request(4), answer(5)])).toThrow(/only 0 were answered once/);
});

it("has quantiles by rank", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  expect([0, 0.5, 0.99, 1].map((part) => quantile(hundred, part))).toEqual([1, 50, 99, 100]);
});
