import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import { asProblem } from "../api/problem.ts";
import { signIn } from "../api/session.ts";
import { Field } from "../components/field.tsx";
import { Logo } from "../components/logo.tsx";
import { ProblemNotice } from "../components/problem-notice.tsx";
import { useSession } from "../session.tsx";

export function SignInPage({ expired }: { expired: boolean }): ReactNode {
  const { entered } = useSession();
  const [userName, setUserName] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();
  const passwordField = useRef<HTMLInputElement>(null);

  useEffect(() => {
    document.title = "Sign in · Flipside";
  }, []);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblem(undefined);
    try {
      entered(await signIn(userName, password));
    } catch (thrown) {
      setProblem(asProblem(thrown));
      setBusy(false);
      passwordField.current?.focus();
      passwordField.current?.select();
    }
  };

  return (
    <main className="entry">
      <form className="entry-card" onSubmit={(event) => void submit(event)}>
        <p className="entry-brand">
          <Logo /> Flipside
        </p>
        <h1>Sign in</h1>
        {expired && !problem && (
          <p className="muted" role="status">
            Your session has ended. Sign in to go on where you were.
          </p>
        )}
        {problem && <ProblemNotice problem={problem} />}
        <Field label="User name">
          {(ids) => (
            <input
              {...ids}
              // biome-ignore lint/a11y/noAutofocus: signing in is all that this page is for
              autoFocus
              required
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              value={userName}
              onChange={(event) => setUserName(event.target.value)}
            />
          )}
        </Field>
        <Field label="Password">
          {(ids) => (
            <input
              {...ids}
              ref={passwordField}
              required
              type="password"
              autoComplete="current-password"
              value={password}
              onChange={(event) => setPassword(event.target.value)}
            />
          )}
        </Field>
        <button type="submit" className="button primary wide" aria-disabled={busy}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
        <p className="hint">A new server prints a one-time password when it starts for the first time.</p>
      </form>
    </main>
  );
}
