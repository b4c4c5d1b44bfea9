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
    head: "From",
    isName: whose === "own",
    cell: ({ address, client, isCurrent }) => (
      <>
        <span className="row-name">{address || "not known"}</span>
        {isCurrent && <span className="sub">this one</span>}
        <span className="sub untrusted">{client}</span>
      </>
    ),
  };
  const whom: Column<UserSession> = {
    head: "Account",
    isName: true,
    cell: ({ userName }) => <span className="row-name">{userName}</span>,
  };
  return [
    ...(whose === "all" ? [whom] : []),
    from,
    { head: "Began", cell: ({ startedAt }) => <TimeAgo at={startedAt} /> },
    { head: "Last used", cell: ({ lastSeenAt }) => <TimeAgo at={lastSeenAt} /> },
    { head: "Ends", cell: ({ endsAt }) => <TimeToCome at={endsAt} /> },
    {
      head: "Actions",
      bareOnCard: true,
      className: "col-actions",
      cell: (session) => (
        <button type="button" className="button small" onClick={() => end(session)}>
          End
        </button>
      ),
    },
  ];
}

/** Sessions: each sign-in is one. */
export function SessionsPanel({ whose }: { whose: Whose }): ReactNode {
  const list = usePagedList(whose === "own" ? ownPage : allPage);
  const [ending, setEnding] = useState<UserSession>();
  return (
    <section className="panel" aria-labelledby="sessions-heading">
      <h2 id="sessions-heading">{whose === "own" ? "Your sessions" : "Sessions"}</h2>
      <PagedTable
        list={list}
        what="the sessions"
        caption="Sessions, the newest first"
        columns={columnsFor(whose, setEnding)}
        rowKey={({ id }) => id}
        empty="Nobody is signed in."
      />
      {ending && (
        <ConfirmDialog
          title={ending.isCurrent ? "End this session?" : `End the session of ${ending.userName}?`}
          confirm="End session"
          action={async () => {
            await endSession(whose, ending.id);
            await list.reload();
          }}
          onClose={() => setEnding(undefined)}
        >
          <p>
            {ending.isCurrent
              ? "It is the one that you use: you sign in again."
              : `Whoever uses it, from ${ending.address}, has to sign in again.`}
          </p>
        </ConfirmDialog>
      )}
    </section>
  );
}
