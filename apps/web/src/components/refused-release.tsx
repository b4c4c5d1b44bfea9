import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
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
  const todo = whatToDo(problem);
  // The code is shown apart, so it need not lead the remark as well.
  const remark = asSentence(problem.detail.replace(`${problem.code}: `, ""));
  const isVerdict = problem.status >= 400 && problem.status < 500;
  return (
    <div className="notice tone-bad">
      <Icon name="cross" />
      <div className="notice-body">
        <p className="notice-title">
          {isVerdict ? (
            <Trans>
              Refused: <bdi>{fileName}</bdi>
            </Trans>
          ) : wasSent ? (
            <Trans>
              Not uploaded: <bdi>{fileName}</bdi>
            </Trans>
          ) : (
            <Trans>
              Not checked: <bdi>{fileName}</bdi>
            </Trans>
          )}
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
          <Trans>
            <strong>What to do:</strong> {todo}
          </Trans>
        </p>
        {problem.status === 0 && (
          <button type="button" className="button small" onClick={again}>
            {t`Try again`}
          </button>
        )}
        {words && remark && (
          <p className="faint">
            {wasSent ? (
              <Trans>
                The server’s own words: <bdi>{remark}</bdi>
              </Trans>
            ) : (
              <Trans>
                Where: <bdi>{remark}</bdi>
              </Trans>
            )}
          </p>
        )}
        <p className="faint">
          <WhatBecame code={problem.code} wasSent={wasSent} isVerdict={isVerdict} />
        </p>
      </div>
    </div>
  );
}

interface BecameProps {
  code: string;
  wasSent: boolean;
  isVerdict: boolean;
}

function WhatBecame({ code, wasSent, isVerdict }: BecameProps): ReactNode {
  if (!wasSent)
    return (
      <Trans>
        Code <code>{code}</code>. It was looked at in this browser; nothing was sent.
      </Trans>
    );
  if (isVerdict)
    return (
      <Trans>
        Code <code>{code}</code>. Nothing was stored.
      </Trans>
    );
  return (
    <Trans>
      Code <code>{code}</code>.
    </Trans>
  );
}

/** A refusal names the keys that signed: one that was a release key once says more than one that nobody knows. */
function RevokedSigners({ detail, trust }: { detail: string; trust: Trust }): ReactNode {
  const revoked = trust.keys.filter(
    ({ id, purpose, revokedBy }) => purpose === "release" && revokedBy !== null && detail.includes(id),
  );
  return revoked.map(({ id, since, revokedBy }) => (
    <p key={id}>
      <Trans>
        Key <code>{id}</code> was a release key from trust record {since} on; record {revokedBy} has revoked it.
      </Trans>
    </p>
  ));
}
