import type { ReactNode } from "react";
import type { Trust } from "@flipside/api/types";
import type { UploadState } from "../use-release-upload.ts";
import { errorWords } from "../words/error-words.ts";
import { whatToDo } from "../words/problem-words.ts";
import { asSentence } from "../words/quantities.ts";
import { Icon } from "./icon.tsx";

/**
 * A file that was refused, here or by the server, in the same words. `again` does the same once more: where none of it
 * was looked at, it may be right.
 */
export function RefusedRelease({
  fileName,
  problem,
  again,
  wasSent,
  trust,
}: Extract<UploadState, { kind: "refused" }>): ReactNode {
  const words = errorWords(problem.code);
  // The code is shown apart, so it need not lead the remark as well.
  const remark = asSentence(problem.detail.replace(`${problem.code}: `, ""));
  const isVerdict = problem.status >= 400 && problem.status < 500;
  return (
    <div className="notice tone-bad">
      <Icon name="cross" />
      <div className="notice-body">
        <p className="notice-title">
          {isVerdict ? "Refused" : wasSent ? "Not uploaded" : "Not checked"}: <bdi>{fileName}</bdi>
        </p>
        <p>{words ? words.means : problem.title}</p>
        {!words && remark && <p>{remark}</p>}
        {problem.errors.map((error) => (
          <p key={`${error.path} ${error.message}`}>
            {error.path && <code>{error.path}</code>} {error.message}
          </p>
        ))}
        {trust && <RevokedSigners detail={problem.detail} trust={trust} />}
        <p>
          <strong>What to do:</strong> {whatToDo(problem)}
        </p>
        {problem.status === 0 && (
          <button type="button" className="button small" onClick={again}>
            Try again
          </button>
        )}
        {words && remark && (
          <p className="faint">
            {wasSent ? "The server’s own words" : "Where"}: <bdi>{remark}</bdi>
          </p>
        )}
        <p className="faint">
          Code <code>{problem.code}</code>.{" "}
          {wasSent ? isVerdict && "Nothing was stored." : "It was looked at in this browser; nothing was sent."}
        </p>
      </div>
    </div>
  );
}

/** A refusal names the keys that signed: one that was a release key once says more than one that nobody knows. */
function RevokedSigners({ detail, trust }: { detail: string; trust: Trust }): ReactNode {
  const revoked = trust.keys.filter(
    ({ id, purpose, revokedBy }) => purpose === "release" && revokedBy !== null && detail.includes(id),
  );
  return revoked.map(({ id, since, revokedBy }) => (
    <p key={id}>
      Key <code>{id}</code> was a release key from trust record {since} on; record {revokedBy} has revoked it.
    </p>
  ));
}
