import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
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

function decidedWords(who: string | null, code: string | null): string {
  if (!who) return code ?? "";
  return code ? t`by ${who}, ${code}` : t`by ${who}`;
}

const columnsFor = (own: string, ask: (asked: Asked) => void): Column<Proposal>[] => [
  {
    head: t`What`,
    isName: true,
    cell: ({ operation, on, asked }) => (
      <>
        <span className="row-name">{operationWords(operation)}</span>
        <span className="sub untrusted">{askedWords(on, asked)}</span>
      </>
    ),
  },
  {
    head: t`Asked for by`,
    cell: ({ by, at }) => (
      <>
        {by === own ? t`you` : by} <span className="sub">{<TimeAgo at={at} />}</span>
      </>
    ),
  },
  {
    head: t`State`,
    cell: ({ state, decidedBy, code, endsAt }) => (
      <>
        <StateBadge words={wordsOf(proposalWords, state)} />
        <span className="sub">
          {state === "waiting" ? (
            <Trans>
              until <TimeToCome at={endsAt} />
            </Trans>
          ) : (
            decidedWords(decidedBy, code)
          )}
        </span>
      </>
    ),
  },
  {
    head: t`Actions`,
    bareOnCard: true,
    className: "col-actions",
    cell: (proposal) =>
      proposal.state === "waiting" && (
        <span className="actions">
          {proposal.by !== own && (
            <button type="button" className="button small" onClick={() => ask({ kind: "confirm", proposal })}>
              <Trans>Confirm</Trans>
            </button>
          )}
          <button type="button" className="button small" onClick={() => ask({ kind: "withdraw", proposal })}>
            <Trans>Withdraw</Trans>
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
  const what = asked === undefined ? "" : operationWords(asked.proposal.operation);
  return (
    <Page
      title={t`Second person`}
      summary={t`What one person has asked for and another has to confirm. It waits for a day, and is then done as if it were asked for at that moment.`}
    >
      <AccessNav current="/access/second-person" />
      {told && (
        <ToldOnce text={told} onKept={() => setTold(undefined)}>
          <Trans>The one-time password of the account: pass it on to whom it is for.</Trans>
        </ToldOnce>
      )}
      <section className="panel" aria-labelledby="proposals-heading">
        <h2 id="proposals-heading">
          <Trans>Proposals</Trans>
        </h2>
        <PagedTable
          list={list}
          what={t`the proposals`}
          caption={t`Proposals, the newest first`}
          columns={columnsFor(userName, setAsked)}
          rowKey={({ id }) => id}
          empty={t`Nothing was proposed yet.`}
        />
      </section>
      <TwoPersonRule />
      {asked && (
        <ConfirmDialog
          title={asked.kind === "confirm" ? t`Confirm: ${what}?` : t`Withdraw: ${what}?`}
          confirm={asked.kind === "confirm" ? t`Confirm` : t`Withdraw`}
          action={async () => {
            const { id } = asked.proposal;
            if (asked.kind === "withdraw") await withdrawProposal(id);
            else setTold(secretIn((await confirmProposal(id)).answer));
            await list.reload();
          }}
          onClose={() => setAsked(undefined)}
        >
          <p>
            <Trans>
              {{ who: asked.proposal.by }} has asked for it:{" "}
              {{ what: askedWords(asked.proposal.on, asked.proposal.asked) || what }}.
            </Trans>
          </p>
          {asked.kind === "confirm" && (
            <p>
              <Trans>It is done now, in the name of {{ who: asked.proposal.by }}, and the record names you both.</Trans>
            </p>
          )}
        </ConfirmDialog>
      )}
    </Page>
  );
}
