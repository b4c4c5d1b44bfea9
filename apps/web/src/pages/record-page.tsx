import { type FormEvent, type ReactNode, useCallback, useState } from "react";
import { type AuditLine, auditPage } from "../api/audit.ts";
import { AccessNav } from "../components/access-nav.tsx";
import type { Column } from "../components/data-table.tsx";
import { Field } from "../components/field.tsx";
import { Page } from "../components/page.tsx";
import { PagedTable } from "../components/paged-table.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { WholeRecord } from "../components/whole-record.tsx";
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
        <WholeRecord />
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
