import { type FormEvent, type ReactNode, useCallback, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import { type AuditLine, auditPage, wholeRecord } from "../api/audit.ts";
import { asProblem } from "../api/problem.ts";
import { AccessNav } from "../components/access-nav.tsx";
import type { Column } from "../components/data-table.tsx";
import { Field } from "../components/field.tsx";
import { Page } from "../components/page.tsx";
import { PagedTable } from "../components/paged-table.tsx";
import { ProblemNotice } from "../components/problem-notice.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { usePagedList } from "../paged-list.ts";
import { askedWords, operationWords } from "../words/operation-words.ts";
import { moment } from "../words/quantities.ts";
import { stageWords } from "../words/access-words.ts";
import { wordsOf } from "../words/state-words.ts";

/** By which session or token, and from where; who signs in, or was refused, came by nothing. */
const byWords = (by: string, from: string): string =>
  [by === "nothing" ? "" : by, from === "" ? "" : `from ${from}`].filter(Boolean).join(", ");

const columns: Column<AuditLine>[] = [
  {
    head: "When",
    isName: true,
    cell: ({ said: { at, number } }) => (
      <>
        <time className="row-name" dateTime={at}>
          {moment(at)}
        </time>
        <span className="sub">line {number}</span>
      </>
    ),
  },
  {
    head: "Who",
    cell: ({ said: { who, by, from } }) => (
      <>
        <span className="untrusted">{who ?? "nobody that is known"}</span>
        <span className="sub untrusted">{byWords(by, from)}</span>
      </>
    ),
  },
  {
    head: "What",
    cell: ({ said: { what, on, detail } }) => (
      <>
        {operationWords(what)} <span className="sub untrusted">{askedWords(on, detail)}</span>
      </>
    ),
  },
  {
    head: "Came to",
    cell: ({ said: { stage, code, of } }) => (
      <>
        <StateBadge words={wordsOf(stageWords, stage)} />
        <span className="sub">{[code, of !== null && `of line ${of}`].filter(Boolean).join(", ")}</span>
      </>
    ),
  },
];

/** Gives the browser a file to keep. */
function keep(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/jsonl" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

function Export(): ReactNode {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();
  const run = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setProblem(undefined);
    try {
      keep(await wholeRecord(), `flipside-record-${new Date().toISOString().slice(0, 10)}.jsonl`);
    } catch (thrown) {
      setProblem(asProblem(thrown));
    }
    setBusy(false);
  };
  return (
    <>
      <p className="muted">
        Each line's hash covers the one before it: <code>flipside audit verify</code> says whether all of them are what
        was written, and checks an exported file, too.{" "}
        <button type="button" className="button small" aria-disabled={busy} onClick={() => void run()}>
          {busy ? "Exporting…" : "Export all"}
        </button>
      </p>
      {problem && <ProblemNotice problem={problem} lead="The record was not exported" />}
    </>
  );
}

export function RecordPage(): ReactNode {
  const [typed, setTyped] = useState({ who: "", what: "" });
  const [asked, setAsked] = useState(typed);
  const list = usePagedList(useCallback((after: string | undefined) => auditPage(asked, after), [asked]));
  const seek = (event: FormEvent): void => {
    event.preventDefault();
    setAsked({ who: typed.who.trim(), what: typed.what.trim() });
  };
  const isNarrowed = asked.who !== "" || asked.what !== "";
  return (
    <Page
      title="Record"
      summary="Who did what, from where, and what was refused. What is asked for is written down before it is done."
    >
      <AccessNav current="/access/record" />
      <section className="panel" aria-label="Lines of the record">
        <form className="field-row" onSubmit={seek}>
          <Field label="Of this account" hint="Its whole name.">
            {(ids) => (
              <input
                {...ids}
                autoComplete="off"
                value={typed.who}
                onChange={(event) => setTyped({ ...typed, who: event.target.value })}
              />
            )}
          </Field>
          <Field label="Of this operation" hint="As the interface calls it, such as createRollout.">
            {(ids) => (
              <input
                {...ids}
                autoComplete="off"
                value={typed.what}
                onChange={(event) => setTyped({ ...typed, what: event.target.value })}
              />
            )}
          </Field>
          <button type="submit" className="button">
            Show
          </button>
        </form>
        <Export />
        <PagedTable
          list={list}
          what="the record"
          caption="Lines, the newest first"
          columns={columns}
          rowKey={({ hash }) => hash}
          empty={isNarrowed ? "No line is of that." : "Nothing was done yet."}
        />
      </section>
    </Page>
  );
}
