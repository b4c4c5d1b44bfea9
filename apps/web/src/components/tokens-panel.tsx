import { type Permission, permissions as whatPermissionsLet } from "@flipside/api/permissions";
import { tokenLifeDaysMax, tokenNameCharactersMax } from "@flipside/api/limits";
import { scopeText } from "@flipside/api/scope";
import type { ApiToken } from "@flipside/api/types";
import { type ReactNode, useState } from "react";
import { createToken, tokenPage, type Whose, withdrawToken } from "../api/access.ts";
import { usePagedList } from "../paged-list.ts";
import { useUser } from "../session.tsx";
import { CheckField } from "./check-field.tsx";
import type { Column } from "./data-table.tsx";
import { ConfirmDialog, FormDialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { PagedTable } from "./paged-table.tsx";
import { TimeAgo, TimeToCome } from "./time-ago.tsx";
import { ToldOnce } from "./told-once.tsx";

const ownPage = (after: string | undefined) => tokenPage("own", after);
const allPage = (after: string | undefined) => tokenPage("all", after);

function columnsFor(whose: Whose, withdraw: (token: ApiToken) => void): Column<ApiToken>[] {
  return [
    {
      head: "Token",
      isName: true,
      cell: ({ name, userName }) => (
        <>
          <span className="row-name untrusted">{name}</span>
          {whose === "all" && <span className="sub">of {userName}</span>}
        </>
      ),
    },
    {
      head: "May",
      cell: ({ permissions, scope }) => (
        <>
          {permissions.join(", ")}
          {scope !== null && <span className="sub">of devices tagged {scopeText(scope)}</span>}
        </>
      ),
    },
    { head: "Last used", cell: ({ lastUsedAt }) => (lastUsedAt === null ? "never" : <TimeAgo at={lastUsedAt} />) },
    { head: "Ends", cell: ({ endsAt }) => <TimeToCome at={endsAt} /> },
    {
      head: "Actions",
      bareOnCard: true,
      className: "col-actions",
      cell: (token) => (
        <button type="button" className="button small" onClick={() => withdraw(token)}>
          Withdraw
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
  const nameProblem = name.trim() === "" ? "Say what it is for." : undefined;
  return (
    <FormDialog
      title="Make a token"
      confirm="Make token"
      lead="The token was not made"
      isWrong={nameProblem !== undefined || chosen.length === 0 || !isLife}
      about={<p>A program shows it in place of a password. It may what you choose, as long as you may.</p>}
      fields={(tried) => (
        <>
          <Field label="What it is for" error={tried ? nameProblem : undefined}>
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
            <legend>What it may</legend>
            {may.map((permission) => (
              <CheckField
                key={permission}
                checked={chosen.includes(permission)}
                change={(isChosen) =>
                  setChosen(isChosen ? [...chosen, permission] : chosen.filter((each) => each !== permission))
                }
                hint={whatPermissionsLet[permission]}
              >
                {permission}
              </CheckField>
            ))}
            {tried && chosen.length === 0 && <p className="field-error">Choose one at least.</p>}
          </fieldset>
          <Field
            label="Days that it lasts"
            error={isLife ? undefined : `A whole number from 1 to ${tokenLifeDaysMax}.`}
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
        <h2 id="tokens-heading">{whose === "own" ? "Your tokens" : "Tokens"}</h2>
        {whose === "own" && (
          <button type="button" className="button small" onClick={() => setMaking(true)}>
            Make a token
          </button>
        )}
      </div>
      {told && (
        <ToldOnce text={told} onKept={() => setTold(undefined)}>
          Programs take it as <code>FLIPSIDE_TOKEN</code>, or as <code>Authorization: Bearer</code>.
        </ToldOnce>
      )}
      <PagedTable
        list={list}
        what="the tokens"
        caption="Tokens, the newest first"
        columns={columnsFor(whose, setWithdrawing)}
        rowKey={({ id }) => id}
        empty="None yet."
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
          title={`Withdraw ${withdrawing.name}?`}
          confirm="Withdraw token"
          action={async () => {
            await withdrawToken(whose, withdrawing.id);
            await list.reload();
          }}
          onClose={() => setWithdrawing(undefined)}
        >
          <p>The program that shows it is refused from now on. It can't be given back.</p>
        </ConfirmDialog>
      )}
    </section>
  );
}
