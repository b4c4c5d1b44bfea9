// A rehearsal, in lines.

import type { Rehearsal, RehearsalAnswer, RehearsedWorld } from "@flipside/api/types";
import { table } from "../command-line/table.ts";
import { printDuration } from "../command-line/units.ts";

const spanOf = (spread: RehearsedWorld["duration"]): string => {
  if (spread === null) return "-";
  const [least, most] = [printDuration(spread.p10), printDuration(spread.p90)];
  return least === most ? least : `${least} to ${most}`;
};

const countOf = ({ p10, p90 }: { p10: number; p90: number }): string => (p10 === p90 ? `${p10}` : `${p10} to ${p90}`);

function worldText({ conclusion, waves, gates, devices }: RehearsedWorld): string {
  const rows = waves.map(({ index, total, starts, ends }) => [
    String(index + 1),
    String(total),
    spanOf(starts),
    spanOf(ends),
  ]);
  const { updated, rolledBack, failed, unreached } = devices;
  const become = [
    [updated, "updated"],
    [rolledBack, "rolled back"],
    [failed, "failed"],
    [unreached, "not reached"],
  ] as const;
  return [
    conclusion,
    ...gates.map(({ reason }) => `  ${reason}`),
    ...table(["WAVE", "DEVICES", "STARTS AFTER", "ENDS AFTER"], rows)
      .split("\n")
      .map((line) => `  ${line}`),
    `  in the end ${become.map(([spread, what]) => `${countOf(spread)} ${what}`).join(", ")}`,
  ].join("\n");
}

function answerText(
  { fleet, runs, assumptions, worlds, modelDigest, modelledAt }: RehearsalAnswer,
  seed: number,
): string {
  const { devices, simulated, online } = fleet;
  return [
    `${devices} devices (${simulated} simulated, ${online} of these online at ${modelledAt}); ${runs} runs of each world`,
    ...worlds.map((world) => `\n${worldText(world)}`),
    "\nSupposed:",
    ...assumptions.map((text) => `  ${text}`),
    `\nSeed ${seed}, model ${modelDigest}`,
  ].join("\n");
}

export const rehearsalText = ({ answer, failure, state, seed }: Rehearsal): string =>
  answer === null ? `${state}${failure === null ? "" : `: ${failure}`}` : answerText(answer, seed);
