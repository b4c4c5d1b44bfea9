import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type FormEvent, type ReactNode, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import type { User } from "@flipside/api/types";
import { signInByPasskey, signInByRecoveryCode } from "../api/passkeys.ts";
import { asProblem } from "../api/problem.ts";
import { Field } from "./field.tsx";
import { ProblemNotice } from "./problem-notice.tsx";

interface Props {
  onEntered: (user: User) => void;
  /** Its time is over: the password comes first again. */
  onOver: (problem: ProblemError | undefined) => void;
}

/** What comes after the password of an account that has passkeys. */
export function SecondStep({ onEntered, onOver }: Props): ReactNode {
  const [code, setCode] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();

  const take = async (step: () => Promise<User>): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setProblem(undefined);
    try {
      onEntered(await step());
    } catch (thrown) {
      const found = asProblem(thrown);
      if (found.code === "second-step-over") onOver(found);
      else setProblem(found);
      setBusy(false);
    }
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void take(() => (code === undefined ? signInByPasskey() : signInByRecoveryCode(code)));
  };

  return (
    <form onSubmit={submit}>
      <p className="muted" role="status">
        {code === undefined
          ? t`The password is right. Now use your passkey.`
          : t`The password is right. Now type one of your recovery codes.`}
      </p>
      {problem && <ProblemNotice problem={problem} />}
      {code !== undefined && (
        <Field label={t`Recovery code`} hint={t`Each of them counts once.`}>
          {(ids) => (
            <input
              {...ids}
              // biome-ignore lint/a11y/noAutofocus: it was asked for just now
              autoFocus
              required
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              value={code}
              onChange={(event) => setCode(event.target.value)}
            />
          )}
        </Field>
      )}
      <button type="submit" className="button primary wide" aria-disabled={busy}>
        {busy ? t`Signing in…` : code === undefined ? t`Use passkey` : t`Sign in`}
      </button>
      <button
        type="button"
        className="button quiet wide"
        onClick={() => setCode((before) => (before === undefined ? "" : undefined))}
      >
        {code === undefined ? t`Use a recovery code instead` : t`Use a passkey instead`}
      </button>
      <button type="button" className="button quiet wide" onClick={() => onOver(undefined)}>
        <Trans>Go back</Trans>
      </button>
    </form>
  );
}
