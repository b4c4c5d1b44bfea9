import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { passwordCharactersMin } from "@flipside/api/limits";
import type { ProblemError } from "@flipside/api/problem";
import { asProblem } from "../api/problem.ts";
import { changePassword } from "../api/session.ts";
import { Field } from "../components/field.tsx";
import { Icon } from "../components/icon.tsx";
import { Logo } from "../components/logo.tsx";
import { Page } from "../components/page.tsx";
import { ProblemNotice } from "../components/problem-notice.tsx";
import { useSession, useUser } from "../session.tsx";

/** `forced`: the one-time password lets nobody into the console before it is replaced. */
export function PasswordPage({ forced }: { forced?: boolean }): ReactNode {
  const { userName } = useUser();
  const { leave, entered } = useSession();
  const [changed, setChanged] = useState(false);
  const [leaveProblem, setLeaveProblem] = useState<ProblemError>();

  useEffect(() => {
    if (forced) document.title = `${t`Choose a password`} · Flipside`;
  }, [forced]);

  if (forced) {
    return (
      <main className="entry">
        <div className="entry-card">
          <p className="entry-brand">
            <Logo /> Flipside
          </p>
          <h1>
            <Trans>Choose a password</Trans>
          </h1>
          <p className="muted">
            <Trans>
              You signed in as <strong>{userName}</strong> with a one-time password. Choose one of your own to go on.
            </Trans>
          </p>
          {leaveProblem && <ProblemNotice problem={leaveProblem} lead={t`You are still signed in`} />}
          <PasswordForm currentLabel={t`One-time password`} onChanged={entered} />
          <button
            type="button"
            className="button quiet wide"
            onClick={() => void leave().catch((thrown: unknown) => setLeaveProblem(asProblem(thrown)))}
          >
            <Trans>Sign out</Trans>
          </button>
        </div>
      </main>
    );
  }
  return (
    <Page title={t`Change your password`} summary={t`Signed in as ${userName}.`}>
      <div className="panel narrow">
        <div role="status">
          {changed && (
            <div className="notice tone-ok">
              <Icon name="check" />
              <p className="notice-body">
                <Trans>Your password was changed.</Trans>
              </p>
            </div>
          )}
        </div>
        <PasswordForm
          key={String(changed)}
          currentLabel={t`Present password`}
          onChanged={(now) => {
            entered(now);
            setChanged(true);
          }}
        />
      </div>
    </Page>
  );
}

function PasswordForm({
  currentLabel,
  onChanged,
}: {
  currentLabel: string;
  onChanged: (user: Awaited<ReturnType<typeof changePassword>>) => void;
}): ReactNode {
  const [current, setCurrent] = useState("");
  const [chosen, setChosen] = useState("");
  const [repeated, setRepeated] = useState("");
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();

  const chosenError =
    chosen.length < passwordCharactersMin
      ? t`Use at least ${passwordCharactersMin} characters; there are ${{ typed: chosen.length }}.`
      : chosen === current
        ? t`Choose another one than the present password.`
        : undefined;
  const repeatedError = repeated !== chosen ? t`The two entries differ. Type the same password again.` : undefined;

  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    setTried(true);
    setProblem(undefined);
    if (chosenError || repeatedError) {
      event.currentTarget.querySelector<HTMLInputElement>(chosenError ? "[name=chosen]" : "[name=repeated]")?.focus();
      return;
    }
    setBusy(true);
    try {
      onChanged(await changePassword(current, chosen));
    } catch (thrown) {
      setProblem(asProblem(thrown));
      setBusy(false);
    }
  };

  return (
    <form noValidate onSubmit={(event) => void submit(event)}>
      {problem && <ProblemNotice problem={problem} lead={t`The password was not changed`} />}
      <Field label={currentLabel}>
        {(ids) => (
          <input
            {...ids}
            type="password"
            required
            autoComplete="current-password"
            value={current}
            onChange={(event) => setCurrent(event.target.value)}
          />
        )}
      </Field>
      <Field
        label={t`New password`}
        hint={t`At least ${passwordCharactersMin} characters. Several words in a row are easy to remember.`}
        error={tried ? chosenError : undefined}
      >
        {(ids) => (
          <input
            {...ids}
            name="chosen"
            type="password"
            required
            autoComplete="new-password"
            value={chosen}
            onChange={(event) => setChosen(event.target.value)}
          />
        )}
      </Field>
      <Field label={t`New password again`} error={tried ? repeatedError : undefined}>
        {(ids) => (
          <input
            {...ids}
            name="repeated"
            type="password"
            required
            autoComplete="new-password"
            value={repeated}
            onChange={(event) => setRepeated(event.target.value)}
          />
        )}
      </Field>
      <button type="submit" className="button primary wide" aria-disabled={busy}>
        {busy ? t`Changing…` : t`Change password`}
      </button>
    </form>
  );
}
