import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import type { Permission } from "@flipside/api/permissions";
import { tokenLifeDaysMax, tokenNameCharactersMax } from "@flipside/api/limits";
import type { ApiToken } from "@flipside/api/types";
import { type ReactNode, useState } from "react";
import { createToken, tokenPage, type Whose, withdrawToken } from "../api/access.ts";
import { usePagedList } from "../paged-list.ts";
import { useUser } from "../session.tsx";
import { listed } from "../words/listed.ts";
import { permissionWords } from "../words/permission-words.ts";
import { CheckField } from "./check-field.tsx";
import type { Column } from "./data-table.tsx";
import { ConfirmDialog, FormDialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { PagedTable } from "./paged-table.tsx";
import { TimeAgo, TimeToCome } from "./time-ago.tsx";
import { ToldOnce } from "./told-once.tsx";

const ownPage = (after: string | undefined) => tokenPage("own", after);
const allPage = (after: string | undefined) => tokenPage("all", after);

function taggedWords(scope: readonly string[]): string {
  const tags = listed(scope);
  return scope.length === 0 ? t`of devices tagged nothing` : t`of devices tagged ${tags}`;
}

const withdrawWords = (name: string): string => t`Withdraw ${name}?`;

function columnsFor(whose: Whose, withdraw: (token: ApiToken) => void): Column<ApiToken>[] {
  return [
    {
      head: t`Token`,
      isName: true,
      cell: ({ name, userName }) => (
        <>
          <span className="row-name untrusted">{name}</span>
          {whose === "all" && (
            <span className="sub">
              <Trans>of {userName}</Trans>
            </span>
          )}
        </>
      ),
    },
    {
      head: t`May`,
      cell: ({ permissions, scope }) => (
        <>
          {permissions.join(", ")}
          {scope !== null && <span className="sub">{taggedWords(scope)}</span>}
        </>
      ),
    },
    { head: t`Last used`, cell: ({ lastUsedAt }) => (lastUsedAt === null ? t`never` : <TimeAgo at={lastUsedAt} />) },
    { head: t`Ends`, cell: ({ endsAt }) => <TimeToCome at={endsAt} /> },
    {
      head: t`Actions`,
      bareOnCard: true,
      className: "col-actions",
      cell: (token) => (
        <button type="button" className="button small" onClick={() => withdraw(token)}>
          <Trans>Withdraw</Trans>
        </button>
      ),
    },
  ];
}

const lifeDaysDefault = 90;

interface NewTokenProps {
  onClose: () => void;
  onMade: (token: string) => Promise<void>;
}

function NewTokenDialog({ onClose, onMade }: NewTokenProps): ReactNode {
  const { may } = useUser();
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<readonly Permission[]>(["fleet:read"]);
  const [days, setDays] = useState(String(lifeDaysDefault));
  const isLife = /^\d+$/.test(days) && Number(days) >= 1 && Number(days) <= tokenLifeDaysMax;
  const nameProblem = name.trim() === "" ? t`Say what it is for.` : undefined;
  return (
    <FormDialog
      title={t`Make a token`}
      confirm={t`Make token`}
      lead={t`The token was not made`}
      isWrong={nameProblem !== undefined || chosen.length === 0 || !isLife}
      about={
        <p>
          <Trans>A program shows it in place of a password. It may what you choose, as long as you may.</Trans>
        </p>
      }
      fields={(tried) => (
        <>
          <Field label={t`What it is for`} error={tried ? nameProblem : undefined}>
            {(ids) => (
              <input
                {...ids}
                autoComplete="off"
                maxLength={tokenNameCharactersMax}
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </Field>
          <fieldset className="choices">
            <legend>
              <Trans>What it may</Trans>
            </legend>
            {may.map((permission) => (
              <CheckField
                key={permission}
                checked={chosen.includes(permission)}
                change={(isChosen) =>
                  setChosen(isChosen ? [...chosen, permission] : chosen.filter((each) => each !== permission))
                }
                hint={permissionWords[permission]}
              >
                {permission}
              </CheckField>
            ))}
            {tried && chosen.length === 0 && (
              <p className="field-error">
                <Trans>Choose one at least.</Trans>
              </p>
            )}
          </fieldset>
          <Field
            label={t`Days that it lasts`}
            error={isLife ? undefined : t`A whole number from 1 to ${tokenLifeDaysMax}.`}
          >
            {(ids) => (
              <input {...ids} inputMode="numeric" value={days} onChange={(event) => setDays(event.target.value)} />
            )}
          </Field>
        </>
      )}
      action={async () => {
        const made = await createToken({ name: name.trim(), permissions: [...chosen], lifeDays: Number(days) });
        await onMade(made.token);
      }}
      onClose={onClose}
    />
  );
}

/** Tokens, which programs show. One's own can be made here. */
export function TokensPanel({ whose }: { whose: Whose }): ReactNode {
  const list = usePagedList(whose === "own" ? ownPage : allPage);
  const [making, setMaking] = useState(false);
  const [told, setTold] = useState<string>();
  const [withdrawing, setWithdrawing] = useState<ApiToken>();
  return (
    <section className="panel" aria-labelledby="tokens-heading">
      <div className="panel-head">
        <h2 id="tokens-heading">{whose === "own" ? t`Your tokens` : t`Tokens`}</h2>
        {whose === "own" && (
          <button type="button" className="button small" onClick={() => setMaking(true)}>
            <Trans>Make a token</Trans>
          </button>
        )}
      </div>
      {told && (
        <ToldOnce text={told} onKept={() => setTold(undefined)}>
          <Trans>
            Programs take it as <code>FLIPSIDE_TOKEN</code>, or as <code>Authorization: Bearer</code>.
          </Trans>
        </ToldOnce>
      )}
      <PagedTable
        list={list}
        what={t`the tokens`}
        caption={t`Tokens, the newest first`}
        columns={columnsFor(whose, setWithdrawing)}
        rowKey={({ id }) => id}
        empty={t`None yet.`}
      />
      {making && (
        <NewTokenDialog
          onClose={() => setMaking(false)}
          onMade={async (token) => {
            setTold(token);
            await list.reload();
          }}
        />
      )}
      {withdrawing && (
        <ConfirmDialog
          title={withdrawWords(withdrawing.name)}
          confirm={t`Withdraw token`}
          action={async () => {
            await withdrawToken(whose, withdrawing.id);
            await list.reload();
          }}
          onClose={() => setWithdrawing(undefined)}
        >
          <p>
            <Trans>The program that shows it is refused from now on. It can't be given back.</Trans>
          </p>
        </ConfirmDialog>
      )}
    </section>
  );
}
