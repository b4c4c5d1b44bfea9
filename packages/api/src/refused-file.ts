// A release, permit or trust file that is not what it claims to be, as a refusal in words: the server's answer, and the
// browser's before it sends anything.

/** What an operator can do about it, by the format's error name. */
const adviceFor: Record<string, string> = {
  "image-truncated": "The file is cut short; build or copy it again.",
  "image-trailing-bytes": "The file has bytes after its end; build or copy it again.",
  "header-malformed": "This is not a release file, or its header is damaged. Choose the file that the build wrote.",
  "header-version-unsupported": "The file was made for a newer server; update the server first.",
  "header-unknown-critical-field": "The file was made for a newer server; update the server first.",
  "header-feature-unsupported": "The file uses a feature that this version does not have; build it without.",
  "signature-block-malformed": "The signatures are damaged; sign the release again.",
  "signature-unknown-key":
    "It is signed by a key that is no release key of this project. Sign it with one of the trust record's release keys.",
  "signature-mismatch":
    "It was changed after it was signed, or signed wrongly. Build and sign it again; do not trust this file.",
  "chunk-table-mismatch":
    "It was changed after it was signed. Get the file again from the build; do not trust this one.",
  "trust-record-invalid":
    "Choose the file that `npm run trust` wrote, made from this server's own record and signed by enough of its roots.",
  "trust-not-newer": "Choose the file that was made last.",
  "trust-forked": "Make the next record from the one that this server has.",
  "chunk-mismatch": "It was changed after it was signed. Get the file again from the build; do not trust this one.",
};

export interface RefusedFile {
  status: 422;
  code: string;
  title: string;
  detail: string;
}

/** `codeName`, `message`: of the FormatError. */
export function refusedFile({ codeName, message }: { codeName: string; message: string }): RefusedFile {
  return {
    status: 422,
    code: codeName,
    title: codeName.startsWith("trust-") ? "The trust record was refused" : "The release file was refused",
    detail: `${message}. ${adviceFor[codeName] ?? "Build the release again."}`,
  };
}
