// The record as a whole: checked here, line by line, and given as a file.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type ChainPlace, judge, placeText } from "@flipside/api/audit-chain";
import type { ProblemError } from "@flipside/api/problem";
import { type ReactNode, useState } from "react";
import { recordAsFile, wholeRecord } from "../api/audit.ts";
import { asProblem } from "../api/problem.ts";
import { typedPlace } from "../typed-place.ts";
import { count } from "../words/quantities.ts";
import { wrongRecordWords } from "../words/wrong-record-words.ts";
import { Digest } from "./digest.tsx";
import { Field } from "./field.tsx";
import { Icon } from "./icon.tsx";
import { ProblemNotice } from "./problem-notice.tsx";

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Gives the browser a file to keep. */
function keep(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/jsonl" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

type Verdict = { place: ChainPlace; noted: ChainPlace | undefined } | { wrong: string };

function Told({ verdict }: { verdict: Verdict }): ReactNode {
  const isWrong = "wrong" in verdict;
  return (
    <div className={`notice tone-${isWrong ? "bad" : "ok"}`} role={isWrong ? "alert" : "status"}>
      <Icon name={isWrong ? "cross" : "check"} />
      <div className="notice-body">{isWrong ? <DoesNotHold verdict={verdict} /> : <Holds {...verdict} />}</div>
    </div>
  );
}

function DoesNotHold({ verdict }: { verdict: { wrong: string } }): ReactNode {
  const wrong = wrongRecordWords(verdict.wrong);
  return (
    <>
      <p className="notice-title">
        <Trans>The record does not hold</Trans>
      </p>
      <p>
        <Trans>
          Something is wrong with it: {wrong}. Keep a copy of the database, and compare it with an export of an earlier
          day.
        </Trans>
      </p>
    </>
  );
}

function Holds({ place, noted }: { place: ChainPlace; noted: ChainPlace | undefined }): ReactNode {
  const lines = count(place.number);
  const line = noted?.number;
  return (
    <>
      <p className="notice-title">
        <Trans>The record holds: {lines} lines are what was written, one after the other</Trans>
      </p>
      <p>
        {line !== undefined && `${t`Line ${line} is the one that was noted.`} `}
        <Trans>
          Note where it ends, away from this server: <Digest value={placeText(place)} />. Whoever checks against it
          later learns whether lines were taken away, or all of them written anew.
        </Trans>
      </p>
    </>
  );
}

/** Pages that came in clear from another computer are given no hashes by their browsers. */
const canHash = globalThis.isSecureContext;

const linesAreChained = t`Each line's hash covers the one before it: whoever reads them all sees whether one was changed.`;

export function WholeRecord(): ReactNode {
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState<"export" | "check">();
  const [problem, setProblem] = useState<{ of: ProblemError; lead: string }>();
  const [verdict, setVerdict] = useState<Verdict>();
  const noted = typedPlace(typed);
  const run = async (what: "export" | "check", lead: string, work: () => Promise<void>): Promise<void> => {
    if (busy !== undefined) return;
    setBusy(what);
    setProblem(undefined);
    setVerdict(undefined);
    try {
      await work();
    } catch (thrown) {
      setProblem({ of: asProblem(thrown), lead });
    }
    setBusy(undefined);
  };
  const check = async (): Promise<void> => {
    if ("error" in noted) return;
    const led = await judge(wholeRecord(), noted.place, sha256);
    setVerdict("wrong" in led ? led : { place: led, noted: noted.place });
  };
  const today = new Date().toISOString().slice(0, 10);
  return (
    <>
      <p className="muted">
        {linesAreChained} {!canHash && `${t`This browser can do so over HTTPS alone.`} `}
        <Trans>
          <code>flipside audit verify</code> does the same, and checks an exported file, too.
        </Trans>
      </p>
      <div className="field-row">
        <Field
          label={t`Against what was noted`}
          hint={t`NUMBER:HASH of an earlier check. Empty: lines against each other alone.`}
          error={"error" in noted ? noted.error : undefined}
        >
          {(ids) => (
            <input
              {...ids}
              autoComplete="off"
              spellCheck={false}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
          )}
        </Field>
        <button
          type="button"
          className="button"
          aria-disabled={busy !== undefined || !canHash || "error" in noted}
          onClick={() => canHash && void run("check", t`The record was not checked`, check)}
        >
          {busy === "check" ? t`Checking…` : t`Check all lines`}
        </button>
        <button
          type="button"
          className="button"
          aria-disabled={busy !== undefined}
          onClick={() =>
            void run("export", t`The record was not exported`, async () =>
              keep(await recordAsFile(), `flipside-record-${today}.jsonl`),
            )
          }
        >
          {busy === "export" ? t`Exporting…` : t`Export all`}
        </button>
      </div>
      {problem && <ProblemNotice problem={problem.of} lead={problem.lead} />}
      {verdict && <Told verdict={verdict} />}
    </>
  );
}
