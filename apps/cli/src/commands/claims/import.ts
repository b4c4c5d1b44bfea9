// `flipside claims import`

import { readFileSync } from "node:fs";
import { claimEnrolmentsMax, claimLifeDaysMax, claimsPerRequestMax } from "@flipside/api/limits";
import { command, type Invocation } from "../../command-line/command.ts";
import { CommandFailure } from "../../command-line/failures.ts";
import { readWhole } from "../../command-line/units.ts";

const REFUSED_SHOWN = 10;

const options = {
  days: { value: "N", what: "they hold so many days (for ever)", read: readWhole(1, claimLifeDaysMax) },
  enrolments: {
    value: "N",
    what: "each holds so many times (as often as it is used)",
    read: readWhole(1, claimEnrolmentsMax),
  },
  approval: { what: "an operator looks at each device before it is let in (flipside claims approve)" },
} as const;

async function run({ options: asked, words, io, connect }: Invocation<typeof options>) {
  const path = words[0]!;
  const { parseClaimsFile } = await import("../../../../server/src/features/claims/claims-file.ts");
  const content = path === "-" ? new TextEncoder().encode(await io.readInput()) : new Uint8Array(readFileSync(path));
  const { claims, refused, unit } = parseClaimsFile(content);
  if (refused.length > 0) {
    const shown = refused.slice(0, REFUSED_SHOWN).map(({ at, reason }) => `  ${unit} ${at}: ${reason}`);
    const more = refused.length > REFUSED_SHOWN ? [`  and ${refused.length - REFUSED_SHOWN} more`] : [];
    throw new CommandFailure([`${path} has what can't be taken; nothing was imported:`, ...shown, ...more].join("\n"));
  }
  if (claims.length === 0) throw new CommandFailure(`${path} has no claims`);
  const api = connect();
  let imported = 0;
  for (let at = 0; at < claims.length; at += claimsPerRequestMax) {
    const part = claims.slice(at, at + claimsPerRequestMax).map(({ at: _, ...claim }) => claim);
    const rules = {
      ...(asked.days === undefined ? {} : { lifeDays: asked.days }),
      ...(asked.enrolments === undefined ? {} : { enrolments: asked.enrolments }),
      approval: asked.approval,
    };
    imported += (await api("POST /api/v1/claims", { body: { claims: part, ...rules } })).imported;
  }
  return { json: { imported }, text: `${imported} claims imported` };
}

export const importClaims = command({
  name: "claims import",
  summary: "Store claims, by which devices may enrol",
  about:
    "The file is JSON or CSV of device ids and secrets, as docs/operations.md has it; - is standard input. The same claim again changes nothing. Of more than 20,000 claims, those of earlier parts stay when a later part is refused.",
  arguments: [{ name: "FILE", what: "the factory's list" }],
  options,
  examples: ["flipside claims import claims.csv", "flipside claims import claims.csv --days 30 --enrolments 1"],
  connects: true,
  run,
});
