import { plural, t } from "@lingui/core/macro";
import { type FormEvent, type ReactNode, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import { importClaims } from "../api/devices.ts";
import { asProblem } from "../api/problem.ts";
import { parseClaims } from "../claims.ts";
import { count } from "../words/quantities.ts";
import { Dialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { Icon } from "./icon.tsx";
import { ProblemNotice } from "./problem-notice.tsx";

// The server takes no more in one request.
const claimsMax = 20_000;

function tooMany(given: number): string {
  const [most, these] = [count(claimsMax), count(given)];
  return t`At most ${most} claims at once, these are ${these}.`;
}

function importedText({ imported, known }: { imported: number; known: number }): string {
  if (known === 0)
    return t`${plural(imported, { one: "# claim", other: "# claims" })} imported. These devices may enrol now.`;
  return t`${plural(imported, { one: "# claim", other: "# claims" })} imported, ${plural(known, {
    one: "# claim",
    other: "# claims",
  })} known already. These devices may enrol now.`;
}

/** Takes pairs of device id and claim secret, so that these devices may enrol. */
export function ImportClaimsDialog({ onClose }: { onClose: () => void }): ReactNode {
  const [text, setText] = useState("");
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();
  const [done, setDone] = useState<{ imported: number; known: number }>();
  const { claims, errors } = parseClaims(text);
  const given = claims.length;
  const error =
    errors[0] ?? (given === 0 ? t`Enter at least one line.` : given > claimsMax ? tooMany(given) : undefined);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setTried(true);
    setProblem(undefined);
    setDone(undefined);
    if (error || busy) return;
    setBusy(true);
    try {
      const { imported } = await importClaims(claims);
      setDone({ imported, known: given - imported });
      setText("");
      setTried(false);
    } catch (thrown) {
      setProblem(asProblem(thrown));
    } finally {
      setBusy(false);
    }
  };

  return (
    <Dialog title={t`Import claims`} onClose={onClose}>
      <form noValidate onSubmit={(event) => void submit(event)}>
        <p className="muted">{t`A claim lets one device join. The secret is proved by the device, never sent by it.`}</p>
        {problem && <ProblemNotice problem={problem} lead={t`Nothing was imported`} />}
        <div role="status">
          {done && (
            <div className="notice tone-ok">
              <Icon name="check" />
              <p className="notice-body">{importedText(done)}</p>
            </div>
          )}
        </div>
        <Field
          label={t`Claims`}
          hint={t`One device a line: id, a space or comma, and the claim secret (43 characters of base64url).`}
          error={tried ? error : undefined}
        >
          {(ids) => (
            <textarea
              {...ids}
              rows={7}
              className="mono"
              spellCheck={false}
              autoCapitalize="none"
              autoComplete="off"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          )}
        </Field>
        <div className="actions dialog-actions">
          <button type="button" className="button" onClick={onClose}>{t`Close`}</button>
          <button type="submit" className="button primary" aria-disabled={busy}>
            {busy
              ? t`Importing…`
              : given > 0 && errors.length === 0
                ? t`Import ${plural(given, { one: "# claim", other: "# claims" })}`
                : t`Import`}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
