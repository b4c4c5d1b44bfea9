// What the reference server says of a deployment, serves of it, and takes for its end: docs/protocol.md, "Check-in and
// offer", "Fetch and chunk", "Deployment states".

import { readChunk } from "@flipside/protocol/chunk-message";
import type { CheckIn } from "@flipside/protocol/messages";
import { deploymentMembers, offer } from "@flipside/protocol/reference-server/answers";
import type { Session } from "@flipside/protocol/reference-server/connection";
import { outcomeOf } from "@flipside/protocol/reference-server/outcome";
import { fetchEnd, piece } from "@flipside/protocol/reference-server/pieces";
import { describe, expect, it } from "vitest";

const image = {
  digest: "ab".repeat(32),
  header: Uint8Array.of(1, 2, 3),
  signatures: Uint8Array.of(4),
  table: new Uint8Array(4096 + 1).map((_, i) => i),
  payload: new Uint8Array(25).map((_, i) => i),
  chunkBytes: 10,
};

it("an offer has the members that the document lists, and a permit only where there is one", () => {
  const session = { id: "s" } as Session;
  const deployment = { id: "d", attempt: 2, deadlineMs: 600_000, sizeBytes: 131_072, image };
  const of = (permit?: Uint8Array): unknown =>
    JSON.parse(Buffer.from(offer(session, 3000, deploymentMembers({ ...deployment, permit }))).toString());
  const expected = {
    session: "s",
    pollMs: 3000,
    deployment: "d",
    attempt: 2,
    sizeBytes: 131_072,
    header: "AQID",
    signatures: "BA",
    deadlineMs: 600_000,
  };
  expect(of()).toEqual(expected);
  expect(of(Uint8Array.of(5))).toEqual({ ...expected, permit: "BQ" });
  expect(JSON.parse(Buffer.from(offer(session, 3000)).toString())).toEqual({ session: "s", pollMs: 3000 });
});

describe("pieces", () => {
  it("are as many as are asked for, or fewer at the end of the part", () => {
    const ends = (part: 0 | 1, asked: [first: number, count: number][]): number[] =>
      asked.map(([first, count]) => fetchEnd(image, { part, first, count }));
    expect(
      ends(0, [
        [0, 1],
        [0, 8],
        [1, 1],
        [2, 1],
      ]),
    ).toEqual([1, 2, 2, 2]);
    expect(
      ends(1, [
        [0, 2],
        [0, 8],
        [2, 8],
        [3, 1],
      ]),
    ).toEqual([2, 3, 3, 3]);
  });

  it("are 4096 bytes of the table, chunks of the payload, and what is left of either", () => {
    const data = (part: 0 | 1, index: number): unknown => readChunk(piece(image, 7, part, index));
    const name = { attempt: 7, digest: "ababab" };
    expect(data(0, 0)).toEqual({ ...name, part: 0, index: 0, data: image.table.subarray(0, 4096) });
    expect(data(0, 1)).toEqual({ ...name, part: 0, index: 1, data: image.table.subarray(4096) });
    expect(data(1, 1)).toEqual({ ...name, part: 1, index: 1, data: image.payload.subarray(10, 20) });
    expect(data(1, 2)).toEqual({ ...name, part: 1, index: 2, data: image.payload.subarray(20) });
  });
});

it("a deployment ends by what runs, by what its slot says, or by a report that it will not be installed", () => {
  const { digest } = image;
  const others = "cd".repeat(32);
  const slot = (digest: string, state: string, reason = 0) => ({ digest, state, reason });
  const outcome = (
    running: ReturnType<typeof slot>,
    other: ReturnType<typeof slot>,
    deployment?: { id: string; state: string; code: number },
  ): unknown => outcomeOf({ running, other, deployment } as CheckIn, { id: "d", digest });
  const old = slot(others, "confirmed");
  expect(outcome(slot(digest, "confirmed"), old)).toEqual({ state: "confirmed", code: 0 });
  expect(outcome(slot(digest, "candidate"), old)).toBeUndefined();
  expect(outcome(old, slot(digest, "failed", 70))).toEqual({ state: "rolled-back", code: 70 });
  expect(outcome(old, slot(digest, "candidate"))).toBeUndefined();
  expect(outcome(old, slot(others, "failed", 70))).toBeUndefined();
  const empty = slot("", "empty");
  for (const state of ["failed", "rejected"])
    expect(outcome(old, empty, { id: "d", state, code: 13 })).toEqual({ state, code: 13 });
  expect(outcome(old, empty, { id: "e", state: "failed", code: 13 })).toBeUndefined();
  for (const state of ["confirmed", "rolled-back", "downloading"])
    expect(outcome(old, empty, { id: "d", state, code: 0 })).toBeUndefined();
});
