import type { Proposal } from "@flipside/api/types";
import { type ReactNode, useState } from "react";
import { confirmProposal, proposalPage, withdrawProposal } from "../api/second-person.ts";
import { AccessNav } from "../components/access-nav.tsx";
import type { Column } from "../components/data-table.tsx";
import { ConfirmDialog } from "../components/dialog.tsx";
import { Page } from "../components/page.tsx";
import { PagedTable } from "../components/paged-table.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { TimeAgo, TimeToCome } from "../components/time-ago.tsx";
import { ToldOnce } from "../components/told-once.tsx";
import { TwoPersonRule } from "../components/two-person-rule.tsx";
import { usePagedList } from "../paged-list.ts";
import { useUser } from "../session.tsx";
import { askedWords, operationWords } from "../words/operation-words.ts";
import { proposalWords } from "../words/access-words.ts";
import { wordsOf } from "../words/state-words.ts";

type Asked = { kind: "confirm" | "withdraw"; proposal: Proposal };

const columnsFor = (own: string, ask: (asked: Asked) => void): Column<Proposal>[] => [
  {
    head: "What",
    isName: true,
    cell: ({ operation, on, asked }) => (
      <>
        <span className="row-name">{operationWords(operation)}</span>
        <span className="sub untrusted">{askedWords(on, asked)}</span>
      </>
    ),
  },
  {
    head: "Asked for by",
    cell: ({ by, at }) => (
      <>
        {by === own ? "you" : by} <span className="sub">{<TimeAgo at={at} />}</span>
      </>
    ),
  },
  {
    head: "State",
    cell: ({ state, decidedBy, code, endsAt }) => (
      <>
        <StateBadge words={wordsOf(proposalWords, state)} />
        <span className="sub">
          {state === "waiting" ? (
            <>
              until <TimeToCome at={endsAt} />
            </>
          ) : (
            [decidedBy && `by ${decidedBy}`, code].filter(Boolean).join(", ")
          )}
        </span>
      </>
    ),
  },
  {
    head: "Actions",
    bareOnCard: true,
    className: "col-actions",
    cell: (proposal) =>
      proposal.state === "waiting" && (
        <span className="actions">
          {proposal.by !== own && (
            <button type="button" className="button small" onClick={() => ask({ kind: "confirm", proposal })}>
              Confirm
            </button>
          )}
          <button type="button" className="button small" onClick={() => ask({ kind: "withdraw", proposal })}>
            Withdraw
          </button>
        </span>
      ),
  },
];

/** A one-time password, say, which nobody is told again. */
const secretIn = (answer: unknown): string | undefined => (answer as { oneTimePassword?: string })?.oneTimePassword;

export function SecondPersonPage(): ReactNode {
  const { userName } = useUser();
  const list = usePagedList(proposalPage);
  const [asked, setAsked] = useState<Asked>();
  const [told, setTold] = useState<string>();
  const what = asked && operationWords(asked.proposal.operation);
  return (
    <Page
      title="Second person"
      summary="What one person has asked for and another has to confirm. It waits for a day, and is then done as if it were asked for at that moment."
    >
      <AccessNav current="/access/second-person" />
      {told && (
        <ToldOnce text={told} onKept={() => setTold(undefined)}>
          The one-time password of the account: pass it on to whom it is for.
        </ToldOnce>
      )}
      <section className="panel" aria-labelledby="proposals-heading">
        <h2 id="proposals-heading">Proposals</h2>
        <PagedTable
          list={list}
          what="the proposals"
          caption="Proposals, the newest first"
          columns={columnsFor(userName, setAsked)}
          rowKey={({ id }) => id}
          empty="Nothing was proposed yet."
        />
      </section>
      <TwoPersonRule />
      {asked && (
        <ConfirmDialog
          title={asked.kind === "confirm" ? `Confirm: ${what}?` : `Withdraw: ${what}?`}
          confirm={asked.kind === "confirm" ? "Confirm" : "Withdraw"}
          action={async () => {
            const { id } = asked.proposal;
            if (asked.kind === "withdraw") await withdrawProposal(id);
            else setTold(secretIn((await confirmProposal(id)).answer));
            await list.reload();
          }}
          onClose={() => setAsked(undefined)}
        >
          <p>
            {asked.proposal.by} has asked for it: {askedWords(asked.proposal.on, asked.proposal.asked) || what}.
          </p>
          {asked.kind === "confirm" && (
            <p>It is done now, in the name of {asked.proposal.by}, and the record names you both.</p>
          )}
        </ConfirmDialog>
      )}
    </Page>
  );
}
