import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
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
function byWords(by: string, from: string): string {
  if (from === "") return by === "nothing" ? "" : by;
  return by === "nothing" ? t`from ${from}` : t`${by}, from ${from}`;
}

function cameToWords(code: string | null, line: number | null): string {
  if (line === null) return code ?? "";
  return code ? t`${code}, of line ${line}` : t`of line ${line}`;
}

const columns: Column<AuditLine>[] = [
  {
    head: t`When`,
    isName: true,
    cell: ({ said: { at, number } }) => (
      <>
        <time className="row-name" dateTime={at}>
          {moment(at)}
        </time>
        <span className="sub">
          <Trans>line {number}</Trans>
        </span>
      </>
    ),
  },
  {
    head: t`Who`,
    cell: ({ said: { who, by, from } }) => (
      <>
        <span className="untrusted">{who ?? t`nobody that is known`}</span>
        <span className="sub untrusted">{byWords(by, from)}</span>
      </>
    ),
  },
  {
    head: t`What`,
    cell: ({ said: { what, on, detail } }) => (
      <>
        {operationWords(what)} <span className="sub untrusted">{askedWords(on, detail)}</span>
      </>
    ),
  },
  {
    head: t`Came to`,
    cell: ({ said: { stage, code, of } }) => (
      <>
        <StateBadge words={wordsOf(stageWords, stage)} />
        <span className="sub">{cameToWords(code, of)}</span>
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
      title={t`Record`}
      summary={t`Who did what, from where, and what was refused. What is asked for is written down before it is done.`}
    >
      <AccessNav current="/access/record" />
      <section className="panel" aria-label={t`Lines of the record`}>
        <form className="field-row" onSubmit={seek}>
          <Field label={t`Of this account`} hint={t`Its whole name.`}>
            {(ids) => (
              <input
                {...ids}
                autoComplete="off"
                value={typed.who}
                onChange={(event) => setTyped({ ...typed, who: event.target.value })}
              />
            )}
          </Field>
          <Field label={t`Of this operation`} hint={t`As the interface calls it, such as createRollout.`}>
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
            <Trans>Show</Trans>
          </button>
        </form>
        <WholeRecord />
        <PagedTable
          list={list}
          what={t`the record`}
          caption={t`Lines, the newest first`}
          columns={columns}
          rowKey={({ hash }) => hash}
          empty={isNarrowed ? t`No line is of that.` : t`Nothing was done yet.`}
        />
      </section>
    </Page>
  );
}
