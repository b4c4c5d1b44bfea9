import { Term } from "../components/term.tsx";
import { plural, t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type FormEvent, type ReactNode, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import type { Trust, TrustKey } from "@flipside/api/types";
import { TRUST_LINKS_MAX, TRUST_LINKS_WARNED } from "@flipside/image-format/portable/trust-record";
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
import { keyInForce, keyRevoked } from "../words/state-words.ts";
import { ActButton } from "../components/act.tsx";

export function TrustPage(): ReactNode {
  const fleet = useFleet();
  return (
    <Page
      title={t`Trust`}
      summary={t`Which keys may sign what. A new record is signed by the roots of the one before, away from the server; devices take it at their next check-in.`}
    >
      <Loaded resource={fleet.trust} what={t`the trust record`}>
        {(trust) => (
          <>
            <Loaded resource={fleet.trustSpread} what={t`which records devices have`}>
              {(spread) => <RecordsOfDevices newest={trust.version} spread={spread} />}
            </Loaded>
            <section className="panel" aria-labelledby="keys-heading">
              <h2 id="keys-heading">
                <Trans>Keys of record {{ version: trust.version }}</Trans>
              </h2>
              <DataTable
                caption={t`Keys, those in force first`}
                columns={keyColumns}
                rows={inForceFirst(trust.keys)}
                rowKey={(key) => `${key.purpose} ${key.id} ${key.since}`}
              />
              <LinksLeft links={trust.links.length} />
              <p className="muted">
                {plural(
                  { roots: trust.links.at(-1)!.rootThreshold },
                  { one: "# root must sign the next record.", other: "# roots must sign the next record." },
                )}{" "}
                {plural(
                  { keys: trust.links.at(-1)!.releaseThreshold },
                  { one: "# release key must sign an image.", other: "# release keys must sign an image." },
                )}
              </p>
            </section>
          </>
        )}
      </Loaded>
      <Upload onTaken={(trust) => fleet.trust.set(trust)} />
    </Page>
  );
}

/** A chain has a greatest number of links, and none can be taken out of it. */
function LinksLeft({ links }: { links: number }): ReactNode {
  if (links < TRUST_LINKS_WARNED) return null;
  const left = TRUST_LINKS_MAX - links;
  return (
    <p className="notice tone-warn">
      <Icon name="alert" />{" "}
      <span>
        {left === 0
          ? t`This record is the last one: no key can be changed any more.`
          : plural(left, {
              one: "Keys can be changed # time more: keep it for a key that is lost.",
              other: "Keys can be changed # times more: keep them for keys that are lost.",
            })}
      </span>
    </p>
  );
}

const inForceFirst = (keys: TrustKey[]): TrustKey[] =>
  [...keys].sort((one, two) => Number(one.revokedBy !== null) - Number(two.revokedBy !== null));

const keyColumns: Column<TrustKey>[] = [
  { head: t`Key`, isName: true, cell: (key) => <code className="row-name">{key.id}</code> },
  {
    head: t`May sign`,
    cell: (key) => ({ root: t`trust records`, release: t`releases and permits`, operations: t`commands` })[key.purpose],
  },
  { head: t`State`, cell: (key) => <StateBadge words={key.revokedBy === null ? keyInForce : keyRevoked} /> },
  {
    head: t({ message: "Record", context: "of trust" }),
    cell: ({ since, revokedBy }) =>
      revokedBy === null ? t`since ${since}` : t`from ${since}, revoked by ${revokedBy}`,
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
      <h2 id="new-record-heading">
        <Trans>Change the keys</Trans>
      </h2>
      <ol className="steps">
        <li>
          <Trans>
            Make the next <Term of="trust record">record</Term> where the root keys are, and not here:{" "}
            <code>flipside trust make</code> adds and revokes keys, and replaces roots;{" "}
            <code>flipside trust make --help</code> says how.
          </Trans>
        </li>
        <li>
          <Trans>
            Upload its file below. Rollouts of releases whose signer it revokes are cancelled; from then on nobody can
            upload what that key has signed.
          </Trans>
        </li>
        <li>
          <Trans>
            Devices take it at their next check-in, above. One that is away keeps the record before until it is back,
            and a revoked key is good for it until then.
          </Trans>
        </li>
        <li>
          <Trans>Sign the next release with the new key, once all that are to take it have the record.</Trans>
        </li>
      </ol>
      <form noValidate onSubmit={(event) => void submit(event)}>
        {problem && <ProblemNotice problem={problem} lead={t`The record was not taken`} />}
        <div role="status">
          {taken !== undefined && (
            <div className="notice tone-ok">
              <Icon name="check" />
              <p className="notice-body">
                <Trans>Taken: record {taken} goes to each device at its next check-in.</Trans>
              </p>
            </div>
          )}
        </div>
        <Field label={t`Trust chain file`} error={tried && !file ? t`Choose a file.` : undefined}>
          {(ids) => <input {...ids} type="file" onChange={(event) => setFile(event.target.files?.[0])} />}
        </Field>
        <p className="actions">
          <ActButton needs="trust:write" type="submit" className="button primary" aria-disabled={busy}>
            {busy ? t`Checking…` : t`Upload`}
          </ActButton>
        </p>
      </form>
    </section>
  );
}
