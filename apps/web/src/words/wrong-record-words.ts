// What is wrong with the record of who did what, in the language that was chosen: packages/api/src/audit-chain.ts says
// it in English, by the sentences that stand here.

import { t } from "@lingui/core/macro";

/** Where its lines do not follow each other, in parts of a sentence. */
function brokenWords(broken: string): string {
  const [, line, next] = /^after line (\d+) comes (\d+)?/.exec(broken) ?? [];
  if (line !== undefined)
    return next === undefined
      ? t`after line ${line} comes one that can't be read`
      : t`after line ${line} comes ${next}`;
  const changed = /^line (\d+) is not what was written$/.exec(broken)?.[1];
  return changed === undefined ? broken : t`line ${changed} is not what was written`;
}

/** `wrong`: as `judge` says it; of a sentence that is not known here, that itself. */
export function wrongRecordWords(wrong: string): string {
  if (wrong === "there is no record") return t`there is no record`;
  const [, gone, last = ""] = /^line (\d+) is not in the record, which ends with line (\d+)/.exec(wrong) ?? [];
  if (gone !== undefined)
    return t`line ${gone} is not in the record, which ends with line ${last}: lines were taken away`;
  const noted = /^the record was changed: line (\d+) had another hash when it was noted$/.exec(wrong)?.[1];
  if (noted !== undefined) return t`the record was changed: line ${noted} had another hash when it was noted`;
  const broken = /^the record was changed: (.+)$/.exec(wrong)?.[1];
  if (broken === undefined) return wrong;
  const where = brokenWords(broken);
  return t`the record was changed: ${where}`;
}
