// What a browser has kept of a rollout is read as it was, and nothing else is taken for one.

import { expect, it } from "vitest";
import { newDraft } from "../src/rollout-draft.ts";
import { readDraft } from "../src/saved-draft.ts";

const kept = (draft: object, version = 1): string =>
  JSON.stringify({ version, savedAt: "2026-05-01T12:00:00.000Z", draft });

it("is the draft again, with keys of its own for its waves", () => {
  const draft = { ...newDraft("rel-1"), typedName: "kept", picked: ["dev-1"], supersedes: ["r1"] };
  const { draft: read } = readDraft(kept(draft))!;
  expect(read).toMatchObject({ typedName: "kept", picked: new Set(["dev-1"]), supersedes: new Set(["r1"]) });
  expect(read.waves.map(({ amount, unit }) => [amount, unit])).toEqual(
    draft.waves.map(({ amount, unit }) => [amount, unit]),
  );
  expect(draft.waves.map(({ key }) => key).filter((key) => read.waves.some((row) => row.key === key))).toEqual([]);
});

it("is nothing where it is of another form, and lacks nothing that was added since", () => {
  expect(readDraft(kept(newDraft("rel-1"), 2))).toBeUndefined();
  expect(readDraft(kept({}))).toBeUndefined();
  const { urgent: _, ...older } = { ...newDraft("rel-1"), picked: [], supersedes: [] };
  expect(readDraft(kept(older))!.draft.urgent).toBe(false);
});
