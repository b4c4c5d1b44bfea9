import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { Account } from "@flipside/api/types";
import { type ReactNode, useState } from "react";
import { accountPage } from "../api/access.ts";
import { AccessNav } from "../components/access-nav.tsx";
import {
  ChangeAccountDialog,
  CreateAccountDialog,
  DeleteAccountDialog,
  ResetPasswordDialog,
} from "../components/account-dialogs.tsx";
import type { Column } from "../components/data-table.tsx";
import { Icon } from "../components/icon.tsx";
import { Page } from "../components/page.tsx";
import { PagedTable } from "../components/paged-table.tsx";
import { TimeAgo } from "../components/time-ago.tsx";
import { ToldOnce } from "../components/told-once.tsx";
import { usePagedList } from "../paged-list.ts";
import { useUser } from "../session.tsx";
import { roleWords } from "../words/permission-words.ts";
import { scopeText } from "../words/scope-words.ts";

type Asked = { kind: "change" | "reset" | "delete"; account: Account } | { kind: "create" };

const columnsFor = (own: string, ask: (asked: Asked) => void): Column<Account>[] => [
  {
    head: t`Account`,
    isName: true,
    cell: ({ userName, mustChangePassword }) => (
      <>
        <span className="row-name">{userName}</span>
        {userName === own && (
          <span className="sub">
            <Trans>you</Trans>
          </span>
        )}
        {mustChangePassword && (
          <span className="sub">
            <Trans>has its one-time password yet</Trans>
          </span>
        )}
      </>
    ),
  },
  {
    head: t`Role`,
    cell: ({ role }) => (
      <>
        {role} <span className="sub">{roleWords[role]}</span>
      </>
    ),
  },
  { head: t`Sees`, cell: ({ scope }) => scopeText(scope) },
  {
    head: t`Signs in by`,
    cell: ({ signsInWith, lastSignedInAt }) => (
      <>
        {signsInWith === "password" ? t`password` : t`the organisation's provider`}
        <span className="sub">{lastSignedInAt === null ? t`never so far` : <TimeAgo at={lastSignedInAt} />}</span>
      </>
    ),
  },
  {
    head: t`Actions`,
    bareOnCard: true,
    className: "col-actions",
    cell: (account) => (
      <span className="actions">
        {account.signsInWith === "password" && (
          <>
            <button type="button" className="button small" onClick={() => ask({ kind: "change", account })}>
              <Trans>Change</Trans>
            </button>
            <button type="button" className="button small" onClick={() => ask({ kind: "reset", account })}>
              <Trans>Reset password</Trans>
            </button>
          </>
        )}
        <button type="button" className="button small" onClick={() => ask({ kind: "delete", account })}>
          <Trans>Delete</Trans>
        </button>
      </span>
    ),
  },
];

export function PeoplePage(): ReactNode {
  const { userName } = useUser();
  const list = usePagedList(accountPage);
  const [asked, setAsked] = useState<Asked>();
  const [told, setTold] = useState<{ userName: string; password: string }>();
  const close = (): void => setAsked(undefined);
  const onDone = async (password?: { userName: string; password: string }): Promise<void> => {
    if (password !== undefined) setTold(password);
    await list.reload();
  };
  const dialog = { onClose: close, onDone };
  return (
    <Page
      title={t`People`}
      summary={t`Who may sign in, what each may do, and of which devices. Programs come with tokens of an account.`}
      actions={
        <button type="button" className="button primary" onClick={() => setAsked({ kind: "create" })}>
          <Icon name="plus" /> <Trans>Make an account</Trans>
        </button>
      }
    >
      <AccessNav current="/access" />
      {told && (
        <ToldOnce text={told.password} onKept={() => setTold(undefined)}>
          <Trans>With this password {{ userName: told.userName }} signs in once, and then chooses one.</Trans>
        </ToldOnce>
      )}
      <section className="panel" aria-label={t`Accounts`}>
        <PagedTable
          list={list}
          what={t`the accounts`}
          caption={t`Accounts, by their names`}
          columns={columnsFor(userName, setAsked)}
          rowKey={(account) => account.userName}
          empty={t`There is none.`}
        />
      </section>
      {asked?.kind === "create" && <CreateAccountDialog {...dialog} />}
      {asked?.kind === "change" && <ChangeAccountDialog account={asked.account} {...dialog} />}
      {asked?.kind === "reset" && <ResetPasswordDialog account={asked.account} {...dialog} />}
      {asked?.kind === "delete" && <DeleteAccountDialog account={asked.account} {...dialog} />}
    </Page>
  );
}
