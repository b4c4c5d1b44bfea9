import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { errors } from "@flipside/api/errors";
import { ProblemError } from "@flipside/api/problem";
import type { SignInWays } from "@flipside/api/types";
import { asProblem } from "../api/problem.ts";
import { providerAddress, signIn, signInWays } from "../api/session.ts";
import { Field } from "../components/field.tsx";
import { LanguageChoice } from "../components/language-choice.tsx";
import { Logo } from "../components/logo.tsx";
import { ProblemNotice } from "../components/problem-notice.tsx";
import { SecondStep } from "../components/second-step.tsx";
import { useSession } from "../session.tsx";

/** Of a sign-in at the provider that came to nothing: the server can send the browser just to an address. */
function refusedBefore(): ProblemError | undefined {
  const code = new URLSearchParams(window.location.search).get("refused");
  if (code === null || !Object.hasOwn(errors, code)) return undefined;
  const { status, title } = errors[code as keyof typeof errors];
  return new ProblemError({ status, code, title, detail: "", errors: [] });
}

/** The page that is shown in place of this one once somebody has signed in. */
function pageBehind(): string {
  const { pathname, search } = window.location;
  return pathname + search;
}

/**
 * A provider, where the server has one: by a link, since the browser leaves the console. Where the page is to stay, in
 * another tab, which tells this one.
 */
function ProviderLink({ isAgain }: { isAgain: boolean }): ReactNode {
  const [ways, setWays] = useState<SignInWays>();
  useEffect(() => {
    // Without an answer there is the password, whose answer says what is wrong.
    signInWays().then(setWays, () => {});
  }, []);
  if (!ways?.openIdConnect) return null;
  const { host } = ways.openIdConnect;
  return (
    <>
      <a
        className="button wide"
        href={providerAddress(pageBehind())}
        {...(isAgain ? { target: "_blank", rel: "noopener" } : {})}
      >
        {isAgain ? t`Sign in at ${host} in another tab` : t`Sign in at ${host}`}
      </a>
      <p className="entry-or">
        <Trans>or with a password of this server</Trans>
      </p>
    </>
  );
}

/** All ways to sign in. `isAgain`: what is begun on the page stays, and so does the page. */
export function SignInForm({ problemBefore, isAgain }: { problemBefore?: ProblemError; isAgain: boolean }): ReactNode {
  const { entered } = useSession();
  const [atSecondStep, setAtSecondStep] = useState(false);
  const [problem, setProblem] = useState(problemBefore);
  return (
    <>
      {problem && <ProblemNotice problem={problem} />}
      {atSecondStep ? (
        <SecondStep
          onEntered={entered}
          onOver={(why) => {
            setAtSecondStep(false);
            setProblem(why);
          }}
        />
      ) : (
        <>
          <ProviderLink isAgain={isAgain} />
          <PasswordForm onProblem={setProblem} onSecondStep={() => setAtSecondStep(true)} />
        </>
      )}
    </>
  );
}

export function SignInPage({ expired }: { expired: boolean }): ReactNode {
  const [problem] = useState(refusedBefore);

  useEffect(() => {
    document.title = `${t`Sign in`} · Flipside`;
    // Told once: who comes back to this address later has another reason.
    if (refusedBefore()) history.replaceState(null, "", window.location.pathname);
  }, []);

  return (
    <main className="entry">
      <div className="entry-card">
        <p className="entry-brand">
          <Logo /> Flipside
        </p>
        <h1>
          <Trans>Sign in</Trans>
        </h1>
        {expired && !problem && (
          <p className="muted" role="status">
            <Trans>Your session has ended. Sign in to go on where you were.</Trans>
          </p>
        )}
        <SignInForm {...(problem && { problemBefore: problem })} isAgain={false} />
        <p className="hint">
          <Trans>A new server prints a one-time password when it starts for the first time.</Trans>
        </p>
        <p className="hint">
          <Trans>
            No account yet? <a href="/brick-it/?console">Try to brick a device</a>: it runs in your browser.
          </Trans>
        </p>
        <LanguageChoice />
      </div>
    </main>
  );
}

interface PasswordFormProps {
  onProblem: (problem: ProblemError | undefined) => void;
  onSecondStep: () => void;
}

function PasswordForm({ onProblem, onSecondStep }: PasswordFormProps): ReactNode {
  const { entered } = useSession();
  const [userName, setUserName] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const passwordField = useRef<HTMLInputElement>(null);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    onProblem(undefined);
    try {
      entered(await signIn(userName, password));
    } catch (thrown) {
      const problem = asProblem(thrown);
      if (problem.code === "second-factor-needed") {
        onSecondStep();
        return;
      }
      onProblem(problem);
      setBusy(false);
      passwordField.current?.focus();
      passwordField.current?.select();
    }
  };

  return (
    <form onSubmit={(event) => void submit(event)}>
      <Field label={t`User name`}>
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
      <Field label={t`Password`}>
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
        {busy ? t`Signing in…` : t`Sign in`}
      </button>
    </form>
  );
}
