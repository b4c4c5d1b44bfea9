import { t } from "@lingui/core/macro";
import { Plural, Trans } from "@lingui/react/macro";
import { type ReactNode, useCallback, useEffect, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import type { Passkey } from "@flipside/api/types";
import { listPasskeys } from "../api/passkeys.ts";
import { asProblem } from "../api/problem.ts";
import { type Column, DataTable } from "../components/data-table.tsx";
import { Link } from "../components/link.tsx";
import { Page } from "../components/page.tsx";
import {
  AddPasskeyDialog,
  RecoveryCodes,
  RemovePasskeyDialog,
  RenamePasskeyDialog,
  RenewCodesDialog,
} from "../components/passkey-dialogs.tsx";
import { ProblemNotice } from "../components/problem-notice.tsx";
import { SessionsPanel } from "../components/sessions-panel.tsx";
import { TimeAgo } from "../components/time-ago.tsx";
import { TokensPanel } from "../components/tokens-panel.tsx";
import { useUser } from "../session.tsx";
import { permissionWords, roleWords } from "../words/permission-words.ts";
import { scopeText } from "../words/scope-words.ts";

export function AccountPage(): ReactNode {
  const { userName, role, scope, may, signsInWith } = useUser();
  const summary = roleWords[role];
  return (
    <Page
      title={t`My account`}
      summary={
        scope === null
          ? t`${userName}, ${role}: ${summary}.`
          : t`${userName}, ${role}: ${summary}. You see the devices tagged ${{ tags: scopeText(scope) }}.`
      }
    >
      {signsInWith === "password" ? (
        <>
          <section className="panel" aria-labelledby="password-heading">
            <div className="panel-head">
              <h2 id="password-heading">
                <Trans>Password</Trans>
              </h2>
              <Link className="button small" href="/password">
                <Trans>Change password</Trans>
              </Link>
            </div>
            <p className="muted">
              <Trans>All other sessions end when it is changed.</Trans>
            </p>
          </section>
          <PasskeysPanel />
        </>
      ) : (
        <section className="panel" aria-labelledby="provider-heading">
          <h2 id="provider-heading">
            <Trans>Signing in</Trans>
          </h2>
          <p className="muted">
            <Trans>
              You sign in at your organisation's provider: password, second factor and role are set up there.
            </Trans>
          </p>
        </section>
      )}
      <SessionsPanel whose="own" />
      <TokensPanel whose="own" />
      <section className="panel" aria-labelledby="may-heading">
        <h2 id="may-heading">
          <Trans>What you may</Trans>
        </h2>
        <ul className="plain-list">
          {may.map((each) => (
            <li key={each}>{permissionWords[each]}</li>
          ))}
        </ul>
      </section>
    </Page>
  );
}

type Asked = { kind: "add" | "renew" } | { kind: "rename" | "remove"; passkey: Passkey };
type Known = Awaited<ReturnType<typeof listPasskeys>>;

function usePasskeys(): { known: Known | undefined; problem: ProblemError | undefined; load: () => Promise<void> } {
  const [known, setKnown] = useState<Known>();
  const [problem, setProblem] = useState<ProblemError>();
  const load = useCallback(async () => {
    setProblem(undefined);
    try {
      setKnown(await listPasskeys());
    } catch (thrown) {
      setProblem(asProblem(thrown));
    }
  }, []);
  useEffect(() => void load(), [load]);
  return { known, problem, load };
}

const columnsFor = (ask: (asked: Asked) => void): Column<Passkey>[] => [
  { head: t`Passkey`, isName: true, cell: ({ name }) => <span className="row-name">{name}</span> },
  { head: t`Added`, cell: ({ createdAt }) => <TimeAgo at={createdAt} /> },
  { head: t`Last used`, cell: ({ lastUsedAt }) => (lastUsedAt === null ? t`never` : <TimeAgo at={lastUsedAt} />) },
  { head: t`Kept`, cell: ({ isSynced }) => (isSynced ? t`synced between your devices` : t`on one device`) },
  {
    head: t`Actions`,
    bareOnCard: true,
    cell: (passkey) => (
      <span className="actions">
        <button type="button" className="button small" onClick={() => ask({ kind: "rename", passkey })}>
          <Trans>Rename</Trans>
        </button>
        <button type="button" className="button small" onClick={() => ask({ kind: "remove", passkey })}>
          <Trans>Remove</Trans>
        </button>
      </span>
    ),
  },
];

function PasskeysPanel(): ReactNode {
  const { known, problem, load } = usePasskeys();
  const [asked, setAsked] = useState<Asked>();
  const [codes, setCodes] = useState<string[]>();
  const done = async (told?: string[] | null): Promise<void> => {
    if (told) setCodes(told);
    await load();
  };
  const close = (): void => setAsked(undefined);
  const has = known !== undefined && known.passkeys.length > 0;
  return (
    <section className="panel" aria-labelledby="passkeys-heading">
      <div className="panel-head">
        <h2 id="passkeys-heading">
          <Trans>Passkeys</Trans>
        </h2>
        <button type="button" className="button small" onClick={() => setAsked({ kind: "add" })}>
          <Trans>Add a passkey</Trans>
        </button>
      </div>
      {problem && (
        <ProblemNotice problem={problem} lead={t`Could not load your passkeys`} onRetry={() => void load()} />
      )}
      {codes && <RecoveryCodes codes={codes} onKept={() => setCodes(undefined)} />}
      {has ? (
        <>
          <DataTable
            caption={t`Your passkeys`}
            columns={columnsFor(setAsked)}
            rows={known.passkeys}
            rowKey={({ id }) => id}
          />
          <p className="muted">
            <Trans>
              Signing in takes your password and one of these.{" "}
              <Plural value={{ left: known.recoveryCodesLeft }} one="# recovery code" other="# recovery codes" /> left.
            </Trans>{" "}
            <button type="button" className="button small quiet" onClick={() => setAsked({ kind: "renew" })}>
              <Trans>Make new recovery codes</Trans>
            </button>
          </p>
        </>
      ) : (
        known && (
          <p className="muted">
            <Trans>None yet: your password is enough to sign in, and is not any more once you have one.</Trans>
          </p>
        )
      )}
      {asked?.kind === "add" && <AddPasskeyDialog onClose={close} onDone={done} />}
      {asked?.kind === "renew" && <RenewCodesDialog onClose={close} onDone={done} />}
      {asked?.kind === "rename" && <RenamePasskeyDialog passkey={asked.passkey} onClose={close} onDone={done} />}
      {asked?.kind === "remove" && (
        <RemovePasskeyDialog
          passkey={asked.passkey}
          isLast={known?.passkeys.length === 1}
          onClose={close}
          onDone={async () => {
            setCodes(undefined);
            await load();
          }}
        />
      )}
    </section>
  );
}
