// What is asked before somebody's passkeys are changed, and the recovery codes, which are told once.

import { t } from "@lingui/core/macro";
import { type ReactNode, useState } from "react";
import { passkeyNameCharactersMax } from "@flipside/api/limits";
import type { Passkey } from "@flipside/api/types";
import { addPasskey, removePasskey, renamePasskey, renewRecoveryCodes } from "../api/passkeys.ts";
import { FormDialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { Icon } from "./icon.tsx";

interface Props {
  onClose: () => void;
  /** `codes`: new recovery codes. */
  onDone: (codes?: string[] | null) => Promise<void>;
}

interface TextProps {
  value: string;
  onChange: (value: string) => void;
  error: string | undefined;
}

const NameField = ({ value, onChange, error }: TextProps): ReactNode => (
  <Field label={t`Name`} hint={t`So that you know it again, such as the key on your key ring.`} error={error}>
    {(ids) => (
      <input
        {...ids}
        autoComplete="off"
        maxLength={passkeyNameCharactersMax}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    )}
  </Field>
);

const PasswordField = ({ value, onChange, error }: TextProps): ReactNode => (
  <Field label={t`Your password`} error={error}>
    {(ids) => (
      <input
        {...ids}
        type="password"
        autoComplete="current-password"
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    )}
  </Field>
);

const nameError = (name: string, tried: boolean): string | undefined =>
  tried && name.trim() === "" ? t`Type a name.` : undefined;
const passwordError = (password: string, tried: boolean): string | undefined =>
  tried && password === "" ? t`Type your password.` : undefined;

export function AddPasskeyDialog({ onClose, onDone }: Props): ReactNode {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  return (
    <FormDialog
      title={t`Add a passkey`}
      confirm={t`Go on`}
      lead={t`The passkey was not added`}
      isWrong={name.trim() === "" || password === ""}
      about={<p>{t`Your browser asks you for a security key, your phone, or what this computer has.`}</p>}
      fields={(tried) => (
        <>
          <NameField value={name} onChange={setName} error={nameError(name, tried)} />
          <PasswordField value={password} onChange={setPassword} error={passwordError(password, tried)} />
        </>
      )}
      action={async () => onDone(await addPasskey(name.trim(), password))}
      onClose={onClose}
    />
  );
}

export function RenamePasskeyDialog({ passkey, onClose, onDone }: Props & { passkey: Passkey }): ReactNode {
  const { id, name } = passkey;
  const [typed, setTyped] = useState(name);
  return (
    <FormDialog
      title={t`Rename ${name}`}
      confirm={t`Rename`}
      lead={t`It was not renamed`}
      isWrong={typed.trim() === ""}
      about={null}
      fields={(tried) => <NameField value={typed} onChange={setTyped} error={nameError(typed, tried)} />}
      action={async () => {
        await renamePasskey(id, typed.trim());
        await onDone();
      }}
      onClose={onClose}
    />
  );
}

export function RemovePasskeyDialog({
  passkey,
  isLast,
  onClose,
  onDone,
}: Props & { passkey: Passkey; isLast: boolean }): ReactNode {
  const { id, name } = passkey;
  const [password, setPassword] = useState("");
  return (
    <FormDialog
      title={t`Remove ${name}`}
      confirm={t`Remove`}
      dangerous
      lead={t`The passkey was not removed`}
      isWrong={password === ""}
      about={
        <p>
          {isLast
            ? t`It is your last one: from then on your password alone is enough, and your recovery codes count no more.`
            : t`You can't sign in with it any more.`}
        </p>
      }
      fields={(tried) => (
        <PasswordField value={password} onChange={setPassword} error={passwordError(password, tried)} />
      )}
      action={async () => {
        await removePasskey(id, password);
        await onDone();
      }}
      onClose={onClose}
    />
  );
}

export function RenewCodesDialog({ onClose, onDone }: Props): ReactNode {
  const [password, setPassword] = useState("");
  return (
    <FormDialog
      title={t`Make new recovery codes`}
      confirm={t`Make new codes`}
      lead={t`There are no new codes`}
      isWrong={password === ""}
      about={<p>{t`Those that you have count no more.`}</p>}
      fields={(tried) => (
        <PasswordField value={password} onChange={setPassword} error={passwordError(password, tried)} />
      )}
      action={async () => onDone(await renewRecoveryCodes(password))}
      onClose={onClose}
    />
  );
}

export const RecoveryCodes = ({ codes, onKept }: { codes: string[]; onKept: () => void }): ReactNode => (
  <div className="notice tone-ok" role="status">
    <Icon name="key" />
    <div className="notice-body">
      <p className="notice-title">{t`Keep these recovery codes`}</p>
      <p>{t`Each lets you in once without a passkey. They are shown this once: print them, or keep them in a safe.`}</p>
      <ul className="recovery-codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <button type="button" className="button small" onClick={onKept}>
        {t`I have kept them`}
      </button>
    </div>
  </div>
);
