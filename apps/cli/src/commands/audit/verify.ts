// `flipside audit verify`

import { type ChainPlace, placeIn, placeText } from "@flipside/api/audit-chain";
import { checked, ofFile, ofServer } from "../../audit/audit-lines.ts";
import { command, type Invocation } from "../../command-line/command.ts";
import { UsageError } from "../../command-line/failures.ts";

function readPlace(text: string): ChainPlace {
  const place = placeIn(text);
  if (place === undefined) throw new UsageError("give what an earlier flipside audit verify printed, NUMBER:HASH");
  return place;
}

const options = {
  noted: { value: "NUMBER:HASH", what: "a place that an earlier check ended with, noted elsewhere", read: readPlace },
  file: { value: "FILE", what: "a record that was exported, and not the server's" },
} as const;

async function run({ options: { noted, file }, connect }: Invocation<typeof options>) {
  const place = await checked(file === undefined ? ofServer(connect()) : ofFile(file), noted);
  return {
    json: place,
    text: [
      `the record holds up to line ${place.number}`,
      `note this elsewhere, for the next check: ${placeText(place)}`,
    ].join("\n"),
  };
}

export const verifyAudit = command({
  name: "audit verify",
  summary: "Check that nothing of the record of who did what was changed",
  about:
    "Each line's hash covers the line before it. Who can write to the database can make all of them anew: that shows by a place noted elsewhere, with --noted.",
  options,
  examples: ["flipside audit verify", "flipside audit verify --file audit.jsonl"],
  connects: true,
  run,
});
