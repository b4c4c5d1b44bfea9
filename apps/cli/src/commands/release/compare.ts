// `flipside release compare`

import type { ReleaseDifference } from "@flipside/api/types";
import { command } from "../../command-line/command.ts";
import { printSize } from "../../command-line/units.ts";
import { findRelease } from "../../rollouts/find-release.ts";

function textOf({ hardware, digests, members, chunks }: ReleaseDifference["images"][number]): string {
  if (digests.from === null || digests.to === null)
    return `${hardware}: only the ${digests.from === null ? "second" : "first"} release has an image for it`;
  if (digests.from === digests.to) return `${hardware}: the same image, ${digests.to}`;
  return [
    `${hardware}: another image`,
    ...members.map(({ name, from, to }) => `  ${name}: ${JSON.stringify(from)} → ${JSON.stringify(to)}`),
    chunks === null
      ? "  payload: not known, since a file is missing on the server"
      : `  payload: ${chunks.same} chunks as before, ${chunks.other} new ones of ${printSize(chunks.otherBytes)}`,
  ].join("\n");
}

export const compareReleases = command({
  name: "release compare",
  summary: "What differs between two releases that the server has",
  about: "As flipside diff does for files.",
  arguments: [
    { name: "FIRST", what: "version or id of the one before" },
    { name: "SECOND", what: "version or id of the other one" },
  ],
  options: { product: { value: "PRODUCT", what: "where several products have such a version" } },
  examples: ["flipside release compare 1.0.0 2.0.0"],
  connects: true,
  run: async ({ words, options, connect }) => {
    const api = connect();
    const [first, second] = [
      await findRelease(api, words[0]!, options.product),
      await findRelease(api, words[1]!, options.product),
    ];
    const params = { id: second.id, other: first.id };
    const difference = await api("GET /api/v1/releases/:id/differences/:other", { params });
    return { json: difference, text: difference.images.map(textOf).join("\n") };
  },
});
