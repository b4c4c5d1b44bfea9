// What a rollout would meet, in lines.

import type { Preflight } from "@flipside/api/types";

const sizesOf = ({ waves }: Preflight): string =>
  waves.map(({ total, offline }) => `${total}${offline === 0 ? "" : ` (${offline} offline)`}`).join(" + ");

export function preflightText(preflight: Preflight): string {
  const { matched, chosen, leftOut, alreadyThere, problems } = preflight;
  return [
    `${chosen} of ${matched} devices, in waves of ${sizesOf(preflight)}`,
    ...leftOut.map(({ reason, count, deviceIds }) => `  left out, ${reason}: ${count} (${deviceIds.join(", ")})`),
    ...(alreadyThere === 0 ? [] : [`  run it already: ${alreadyThere}`]),
    ...problems.map(({ kind, sentence, todo }) => `  ${kind}: ${sentence}${todo === "" ? "" : ` ${todo}`}`),
  ].join("\n");
}
