// `flipside diff`

import type { ImageDifference } from "@flipside/image-format";
import { command, type Invocation } from "../command-line/command.ts";
import { printSize } from "../command-line/units.ts";

function textOf({ hardware, digests, members, chunks }: ImageDifference): string {
  const [first, second] = digests;
  if (first === null || second === null)
    return `${hardware}: only the ${first === null ? "second" : "first"} release has an image for it`;
  if (first === second) return `${hardware}: the same image, ${first}`;
  const { same, other, otherBytes } = chunks;
  return [
    `${hardware}: another image`,
    ...Object.entries(members).map(
      ([name, [from, to]]) => `  ${name}: ${JSON.stringify(from)} → ${JSON.stringify(to)}`,
    ),
    `  payload: ${same} chunks as before, ${other} new ones of ${printSize(otherBytes)}`,
  ].join("\n");
}

async function run({ words }: Invocation<Record<never, never>>) {
  const { releaseIn } = await import("../images/release-in.ts");
  const { compareImages } = await import("@flipside/image-format");
  const [first, second] = [await releaseIn(words[0]!), await releaseIn(words[1]!)];
  const names = [...new Set([...first, ...second].map(({ image }) => image.hardware.name))];
  const images = names.map((name) =>
    compareImages(
      first.find(({ image }) => image.hardware.name === name),
      second.find(({ image }) => image.hardware.name === name),
    ),
  );
  const same = images.every(({ digests: [one, two] }) => one === two);
  return { json: { same, images }, text: images.map(textOf).join("\n") };
}

export const diff = command({
  name: "diff",
  summary: "What differs between two releases: headers, and how many chunks",
  arguments: [
    { name: "FIRST", what: "a release or an image" },
    { name: "SECOND", what: "another" },
  ],
  options: {},
  examples: ["flipside diff my-app-1.0.0.release my-app-2.0.0.release"],
  run,
});
