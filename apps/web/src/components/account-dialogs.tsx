// What is asked before an account is made, changed or deleted.

import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type Role, roleNames } from "@flipside/api/permissions";
import { userNamePattern } from "@flipside/api/limits";
import type { Account } from "@flipside/api/types";
import { type ReactNode, useState } from "react";
import { changeRole, changeScope, createAccount, deleteAccount, resetPassword } from "../api/access.ts";
import { roleWords } from "../words/permission-words.ts";
import { ConfirmDialog, FormDialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { ScopeField, scopeIn, tagsProblem } from "./tags-field.tsx";

interface Props {
  onClose: () => void;
  /** `told`: the one-time password of this account. */
  onDone: (told?: { userName: string; password: string }) => Promise<void>;
}

type OfAccount = Props & { account: Account };

function RoleField({ value, onChange }: { value: Role; onChange: (role: Role) => void }): ReactNode {
  const meaning = roleWords[value][0]!.toUpperCase() + roleWords[value].slice(1);
  return (
    <Field label={t`Role`} hint={t`${meaning}.`}>
      {(ids) => (
        <select {...ids} value={value} onChange={(event) => onChange(event.target.value as Role)}>
          {roleNames.map((role) => (
            <option key={role}>{role}</option>
          ))}
        </select>
      )}
    </Field>
  );
}

const scopeProblem = (role: Role, scope: string): string | undefined =>
  role === "administrator" && scopeIn(scope) !== null ? t`An administrator sees the whole fleet.` : tagsProblem(scope);

export function CreateAccountDialog({ onClose, onDone }: Props): ReactNode {
  const [userName, setUserName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [scope, setScope] = useState("");
  const isName = userNamePattern.test(userName);
  const wrongScope = scopeProblem(role, scope);
  return (
    <FormDialog
      title={t`Make an account`}
      confirm={t`Make account`}
      lead={t`The account was not made`}
      isWrong={!isName || wrongScope !== undefined}
      about={
        <p>
          <Trans>It begins with a password for one sign-in, which you are told once, and pass on.</Trans>
        </p>
      }
      fields={(tried) => (
        <>
          <Field
            label={t`Name`}
            hint={t`1 to 64 characters of a-z, 0-9 and . _ @ -, beginning with a letter or digit.`}
            error={tried && !isName ? t`Type a name of such characters.` : undefined}
          >
            {(ids) => (
              <input
                {...ids}
                autoComplete="off"
                value={userName}
                onChange={(event) => setUserName(event.target.value)}
              />
            )}
          </Field>
          <RoleField value={role} onChange={setRole} />
          {role !== "administrator" && <ScopeField value={scope} onChange={setScope} />}
        </>
      )}
      action={async () => {
        const seen = role === "administrator" ? null : scopeIn(scope);
        const { oneTimePassword } = await createAccount({ userName, role, scope: seen });
        await onDone({ userName, password: oneTimePassword });
      }}
      onClose={onClose}
    />
  );
}

/** Role and scope are two things, but somebody thinks of them as one: who may what, of which devices. */
export function ChangeAccountDialog({ account, onClose, onDone }: OfAccount): ReactNode {
  const { userName } = account;
  const [role, setRole] = useState(account.role);
  const [scope, setScope] = useState((account.scope ?? []).join(" "));
  const wanted = role === "administrator" ? null : scopeIn(scope);
  const isOtherScope = JSON.stringify(wanted) !== JSON.stringify(account.scope);
  return (
    <FormDialog
      title={t`Change what ${userName} may`}
      confirm={t`Change`}
      lead={t`Not all of it was changed`}
      isWrong={role !== "administrator" && tagsProblem(scope) !== undefined}
      about={
        <p>
          <Trans>It counts from the next request on, also for sessions and tokens of before.</Trans>
        </p>
      }
      fields={() => (
        <>
          <RoleField value={role} onChange={setRole} />
          {role !== "administrator" && <ScopeField value={scope} onChange={setScope} />}
        </>
      )}
      action={async () => {
        // Whoever becomes an administrator has to see all before, and whoever is none any more after.
        const steps = [
          ...(isOtherScope ? [() => changeScope(userName, wanted)] : []),
          ...(role === account.role ? [] : [() => changeRole(userName, role)]),
        ];
        for (const step of account.role === "administrator" ? steps.reverse() : steps) await step();
        await onDone();
      }}
      onClose={onClose}
    />
  );
}

export const ResetPasswordDialog = ({ account: { userName }, onClose, onDone }: OfAccount): ReactNode => (
  <ConfirmDialog
    title={t`Give ${userName} a new one-time password?`}
    confirm={t`Reset password`}
    action={async () => {
      const { oneTimePassword } = await resetPassword(userName);
      await onDone({ userName, password: oneTimePassword });
    }}
    onClose={onClose}
  >
    <p>
      <Trans>All of its sessions end, its tokens are withdrawn, and its passkeys are removed.</Trans>
    </p>
  </ConfirmDialog>
);

export const DeleteAccountDialog = ({ account: { userName }, onClose, onDone }: OfAccount): ReactNode => (
  <ConfirmDialog
    title={t`Delete ${userName}?`}
    confirm={t`Delete account`}
    dangerous
    action={async () => {
      await deleteAccount(userName);
      await onDone();
    }}
    onClose={onClose}
  >
    <p>
      <Trans>
        Its sessions end, its tokens are withdrawn, and what it has proposed is gone. What it did keeps its name.
      </Trans>
    </p>
  </ConfirmDialog>
);
