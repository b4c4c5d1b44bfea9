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
  const user = useUser();
  const { leave, entered } = useSession();
  const [changed, setChanged] = useState(false);
  const [leaveProblem, setLeaveProblem] = useState<ProblemError>();

  useEffect(() => {
    if (forced) document.title = "Choose a password · Flipside";
  }, [forced]);

  if (forced) {
    return (
      <main className="entry">
        <div className="entry-card">
          <p className="entry-brand">
            <Logo /> Flipside
          </p>
          <h1>Choose a password</h1>
          <p className="muted">
            You signed in as <strong>{user.userName}</strong> with a one-time password. Choose one of your own to go on.
          </p>
          {leaveProblem && <ProblemNotice problem={leaveProblem} lead="You are still signed in" />}
          <PasswordForm currentLabel="One-time password" onChanged={entered} />
          <button
            type="button"
            className="button quiet wide"
            onClick={() => void leave().catch((thrown: unknown) => setLeaveProblem(asProblem(thrown)))}
          >
            Sign out
          </button>
        </div>
      </main>
    );
  }
  return (
    <Page title="Change your password" summary={`Signed in as ${user.userName}.`}>
      <div className="panel narrow">
        <div role="status">
          {changed && (
            <div className="notice tone-ok">
              <Icon name="check" />
              <p className="notice-body">Your password was changed.</p>
            </div>
          )}
        </div>
        <PasswordForm
          key={String(changed)}
          currentLabel="Present password"
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
      ? `Use at least ${passwordCharactersMin} characters; there are ${chosen.length}.`
      : chosen === current
        ? "Choose another one than the present password."
        : undefined;
  const repeatedError = repeated !== chosen ? "The two entries differ. Type the same password again." : undefined;

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
      {problem && <ProblemNotice problem={problem} lead="The password was not changed" />}
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
        label="New password"
        hint={`At least ${passwordCharactersMin} characters. Several words in a row are easy to remember.`}
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
      <Field label="New password again" error={tried ? repeatedError : undefined}>
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
        {busy ? "Changing…" : "Change password"}
      </button>
    </form>
  );
}
