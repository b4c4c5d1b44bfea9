import { type ReactNode, useCallback, useEffect, useState } from "react";
import { permissions, roles } from "@flipside/api/permissions";
import type { ProblemError } from "@flipside/api/problem";
import { scopeText } from "@flipside/api/scope";
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
import { TimeAgo } from "../components/time-ago.tsx";
import { useUser } from "../session.tsx";
import { plural } from "../words/quantities.ts";

export function AccountPage(): ReactNode {
  const { userName, role, scope, may, signsInWith } = useUser();
  const part = scope === null ? "" : ` You see the devices tagged ${scopeText(scope)}.`;
  return (
    <Page title="My account" summary={`${userName}, ${role}: ${roles[role].summary}.${part}`}>
      {signsInWith === "password" ? (
        <>
          <section className="panel" aria-labelledby="password-heading">
            <div className="panel-head">
              <h2 id="password-heading">Password</h2>
              <Link className="button small" href="/password">
                Change password
              </Link>
            </div>
            <p className="muted">All other sessions end when it is changed.</p>
          </section>
          <PasskeysPanel />
        </>
      ) : (
        <section className="panel" aria-labelledby="provider-heading">
          <h2 id="provider-heading">Signing in</h2>
          <p className="muted">
            You sign in at your organisation's provider: password, second factor and role are set up there.
          </p>
        </section>
      )}
      <section className="panel" aria-labelledby="may-heading">
        <h2 id="may-heading">What you may</h2>
        <ul className="plain-list">
          {may.map((each) => (
            <li key={each}>{permissions[each]}</li>
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
  { head: "Passkey", isName: true, cell: ({ name }) => <span className="row-name">{name}</span> },
  { head: "Added", cell: ({ createdAt }) => <TimeAgo at={createdAt} /> },
  { head: "Last used", cell: ({ lastUsedAt }) => (lastUsedAt === null ? "never" : <TimeAgo at={lastUsedAt} />) },
  { head: "Kept", cell: ({ isSynced }) => (isSynced ? "synced between your devices" : "on one device") },
  {
    head: "Actions",
    bareOnCard: true,
    cell: (passkey) => (
      <span className="actions">
        <button type="button" className="button small" onClick={() => ask({ kind: "rename", passkey })}>
          Rename
        </button>
        <button type="button" className="button small" onClick={() => ask({ kind: "remove", passkey })}>
          Remove
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
        <h2 id="passkeys-heading">Passkeys</h2>
        <button type="button" className="button small" onClick={() => setAsked({ kind: "add" })}>
          Add a passkey
        </button>
      </div>
      {problem && <ProblemNotice problem={problem} lead="Could not load your passkeys" onRetry={() => void load()} />}
      {codes && <RecoveryCodes codes={codes} onKept={() => setCodes(undefined)} />}
      {has ? (
        <>
          <DataTable
            caption="Your passkeys"
            columns={columnsFor(setAsked)}
            rows={known.passkeys}
            rowKey={({ id }) => id}
          />
          <p className="muted">
            Signing in takes your password and one of these. {plural(known.recoveryCodesLeft, "recovery code")}
            {" left. "}
            <button type="button" className="button small quiet" onClick={() => setAsked({ kind: "renew" })}>
              Make new recovery codes
            </button>
          </p>
        </>
      ) : (
        known && (
          <p className="muted">None yet: your password is enough to sign in, and is not any more once you have one.</p>
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
