// A release file that is not what it claims to be, as a refusal in words: as the server says it
// (packages/api/src/refused-file.ts), in the language that was chosen.

import { t } from "@lingui/core/macro";
import type { RefusedFile } from "@flipside/api/refused-file";

const newerServer = t`The file was made for a newer server; update the server first.`;
const changed = t`It was changed after it was signed. Get the file again from the build; do not trust this one.`;

/** What an operator can do about it, by the format's error name. */
const adviceFor: Record<string, string> = {
  "image-truncated": t`The file is cut short; build or copy it again.`,
  "image-trailing-bytes": t`The file has bytes after its end; build or copy it again.`,
  "header-malformed": t`This is not a release file, or its header is damaged. Choose the file that the build wrote.`,
  "header-version-unsupported": newerServer,
  "header-unknown-critical-field": newerServer,
  "header-feature-unsupported": t`The file uses a feature that this version does not have; build it without.`,
  "signature-block-malformed": t`The signatures are damaged; sign the release again.`,
  "signature-unknown-key": t`It is signed by a key that is no release key of this project. Sign it with one of the trust record's release keys.`,
  "signature-mismatch": t`It was changed after it was signed, or signed wrongly. Build and sign it again; do not trust this file.`,
  "chunk-table-mismatch": changed,
  "chunk-mismatch": changed,
};

/** `codeName`, `message`: of the FormatError, whose message is in English. */
export function refusedFile({ codeName, message }: { codeName: string; message: string }): RefusedFile {
  const advice = adviceFor[codeName] ?? t`Build the release again.`;
  return { status: 422, code: codeName, title: t`The release file was refused`, detail: t`${message}. ${advice}` };
}
