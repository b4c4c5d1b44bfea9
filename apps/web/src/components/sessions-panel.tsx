import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { UserSession } from "@flipside/api/types";
import { type ReactNode, useState } from "react";
import { endSession, sessionPage, type Whose } from "../api/access.ts";
import { usePagedList } from "../paged-list.ts";
import type { Column } from "./data-table.tsx";
import { ConfirmDialog } from "./dialog.tsx";
import { PagedTable } from "./paged-table.tsx";
import { TimeAgo, TimeToCome } from "./time-ago.tsx";

const ownPage = (after: string | undefined) => sessionPage("own", after);
const allPage = (after: string | undefined) => sessionPage("all", after);

function columnsFor(whose: Whose, end: (session: UserSession) => void): Column<UserSession>[] {
  const from: Column<UserSession> = {
    head: t`From`,
    isName: whose === "own",
    cell: ({ address, client, isCurrent }) => (
      <>
        <span className="row-name">{address || t`not known`}</span>
        {isCurrent && (
          <span className="sub">
            <Trans>this one</Trans>
          </span>
        )}
        <span className="sub untrusted">{client}</span>
      </>
    ),
  };
  const whom: Column<UserSession> = {
    head: t`Account`,
    isName: true,
    cell: ({ userName }) => <span className="row-name">{userName}</span>,
  };
  return [
    ...(whose === "all" ? [whom] : []),
    from,
    { head: t`Began`, cell: ({ startedAt }) => <TimeAgo at={startedAt} /> },
    { head: t`Last used`, cell: ({ lastSeenAt }) => <TimeAgo at={lastSeenAt} /> },
    { head: t`Ends`, cell: ({ endsAt }) => <TimeToCome at={endsAt} /> },
    {
      head: t`Actions`,
      bareOnCard: true,
      className: "col-actions",
      cell: (session) => (
        <button type="button" className="button small" onClick={() => end(session)}>
          <Trans>End</Trans>
        </button>
      ),
    },
  ];
}

const endOf = (userName: string): string => t`End the session of ${userName}?`;

const whoeverUsesIt = (address: string): string => t`Whoever uses it, from ${address}, has to sign in again.`;

/** Sessions: each sign-in is one. */
export function SessionsPanel({ whose }: { whose: Whose }): ReactNode {
  const list = usePagedList(whose === "own" ? ownPage : allPage);
  const [ending, setEnding] = useState<UserSession>();
  return (
    <section className="panel" aria-labelledby="sessions-heading">
      <h2 id="sessions-heading">{whose === "own" ? t`Your sessions` : t`Sessions`}</h2>
      <PagedTable
        list={list}
        what={t`the sessions`}
        caption={t`Sessions, the newest first`}
        columns={columnsFor(whose, setEnding)}
        rowKey={({ id }) => id}
        empty={t`Nobody is signed in.`}
      />
      {ending && (
        <ConfirmDialog
          title={ending.isCurrent ? t`End this session?` : endOf(ending.userName)}
          confirm={t`End session`}
          action={async () => {
            await endSession(whose, ending.id);
            await list.reload();
          }}
          onClose={() => setEnding(undefined)}
        >
          <p>{ending.isCurrent ? t`It is the one that you use: you sign in again.` : whoeverUsesIt(ending.address)}</p>
        </ConfirmDialog>
      )}
    </section>
  );
}
