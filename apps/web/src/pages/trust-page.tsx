import { type FormEvent, type ReactNode, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import type { Trust, TrustKey } from "@flipside/api/types";
import { asProblem } from "../api/problem.ts";
import { uploadTrust } from "../api/trust.ts";
import { type Column, DataTable } from "../components/data-table.tsx";
import { Field } from "../components/field.tsx";
import { Icon } from "../components/icon.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Page } from "../components/page.tsx";
import { RecordsOfDevices } from "../components/records-of-devices.tsx";
import { ProblemNotice } from "../components/problem-notice.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { useFleet } from "../live/hooks.ts";
import { plural } from "../words/quantities.ts";
import { keyInForce, keyRevoked } from "../words/state-words.ts";
import { ActButton } from "../components/act.tsx";

export function TrustPage(): ReactNode {
  const fleet = useFleet();
  return (
    <Page
      title="Trust"
      summary="Which keys may sign what. A new record is signed by the roots of the one before, away from the server; devices take it at their next check-in."
    >
      <Loaded resource={fleet.trust} what="the trust record">
        {(trust) => (
          <>
            <Loaded resource={fleet.trustSpread} what="which records devices have">
              {(spread) => <RecordsOfDevices newest={trust.version} spread={spread} />}
            </Loaded>
            <section className="panel" aria-labelledby="keys-heading">
              <h2 id="keys-heading">Keys of record {trust.version}</h2>
              <DataTable
                caption="Keys, those in force first"
                columns={keyColumns}
                rows={inForceFirst(trust.keys)}
                rowKey={(key) => `${key.purpose} ${key.id} ${key.since}`}
              />
              <p className="muted">{plural(trust.links.at(-1)!.rootThreshold, "root")} must sign the next record.</p>
            </section>
          </>
        )}
      </Loaded>
      <Upload onTaken={(trust) => fleet.trust.set(trust)} />
    </Page>
  );
}

const inForceFirst = (keys: TrustKey[]): TrustKey[] =>
  [...keys].sort((one, two) => Number(one.revokedBy !== null) - Number(two.revokedBy !== null));

const keyColumns: Column<TrustKey>[] = [
  { head: "Key", isName: true, cell: (key) => <code className="row-name">{key.id}</code> },
  {
    head: "May sign",
    cell: (key) => ({ root: "trust records", release: "releases and permits", operations: "commands" })[key.purpose],
  },
  { head: "State", cell: (key) => <StateBadge words={key.revokedBy === null ? keyInForce : keyRevoked} /> },
  {
    head: "Record",
    cell: (key) => (key.revokedBy === null ? `since ${key.since}` : `from ${key.since}, revoked by ${key.revokedBy}`),
  },
];

function Upload({ onTaken }: { onTaken: (trust: Trust) => void }): ReactNode {
  const [file, setFile] = useState<File>();
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();
  const [taken, setTaken] = useState<number>();

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setTried(true);
    setProblem(undefined);
    setTaken(undefined);
    if (!file || busy) return;
    setBusy(true);
    try {
      const trust = await uploadTrust(file);
      setTaken(trust.version);
      onTaken(trust);
    } catch (thrown) {
      setProblem(asProblem(thrown));
    } finally {
      setBusy(false);
    }
  };

  return (
    <section className="panel" aria-labelledby="new-record-heading">
      <h2 id="new-record-heading">Change the keys</h2>
      <ol className="steps">
        <li>
          Make the next record where the root keys are, and not here: <code>flipside trust make</code> adds and revokes
          keys, and replaces roots; <code>flipside trust make --help</code> says how.
        </li>
        <li>
          Upload its file below. Rollouts of releases whose signer it revokes are cancelled; from then on nobody can
          upload what that key has signed.
        </li>
        <li>
          Devices take it at their next check-in, above. One that is away keeps the record before until it is back, and
          a revoked key is good for it until then.
        </li>
        <li>Sign the next release with the new key, once all that are to take it have the record.</li>
      </ol>
      <form noValidate onSubmit={(event) => void submit(event)}>
        {problem && <ProblemNotice problem={problem} lead="The record was not taken" />}
        <div role="status">
          {taken !== undefined && (
            <div className="notice tone-ok">
              <Icon name="check" />
              <p className="notice-body">Taken: record {taken} goes to each device at its next check-in.</p>
            </div>
          )}
        </div>
        <Field label="Trust chain file" error={tried && !file ? "Choose a file." : undefined}>
          {(ids) => <input {...ids} type="file" onChange={(event) => setFile(event.target.files?.[0])} />}
        </Field>
        <p className="actions">
          <ActButton needs="trust:write" type="submit" className="button primary" aria-disabled={busy}>
            {busy ? "Checking…" : "Upload"}
          </ActButton>
        </p>
      </form>
    </section>
  );
}
