import { type FormEvent, type ReactNode, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import { importClaims } from "../api/devices.ts";
import { asProblem } from "../api/problem.ts";
import { parseClaims } from "../claims.ts";
import { count, plural } from "../words/quantities.ts";
import { Dialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { Icon } from "./icon.tsx";
import { ProblemNotice } from "./problem-notice.tsx";

// The server takes no more in one request.
const claimsMax = 20_000;

/** Takes pairs of device id and claim secret, so that these devices may enrol. */
export function ImportClaimsDialog({ onClose }: { onClose: () => void }): ReactNode {
  const [text, setText] = useState("");
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();
  const [done, setDone] = useState<{ imported: number; known: number }>();
  const { claims, errors } = parseClaims(text);
  const error =
    errors[0] ??
    (claims.length === 0
      ? "Enter at least one line."
      : claims.length > claimsMax
        ? `At most ${count(claimsMax)} claims at once, these are ${count(claims.length)}.`
        : undefined);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setTried(true);
    setProblem(undefined);
    setDone(undefined);
    if (error || busy) return;
    setBusy(true);
    try {
      const { imported } = await importClaims(claims);
      setDone({ imported, known: claims.length - imported });
      setText("");
      setTried(false);
    } catch (thrown) {
      setProblem(asProblem(thrown));
    } finally {
      setBusy(false);
    }
  };

  return (
    <Dialog title="Import claims" onClose={onClose}>
      <form noValidate onSubmit={(event) => void submit(event)}>
        <p className="muted">A claim lets one device join. The secret is proved by the device, never sent by it.</p>
        {problem && <ProblemNotice problem={problem} lead="Nothing was imported" />}
        <div role="status">
          {done && (
            <div className="notice tone-ok">
              <Icon name="check" />
              <p className="notice-body">
                {plural(done.imported, "claim")} imported
                {done.known > 0 && `, ${plural(done.known, "claim")} known already`}. These devices may enrol now.
              </p>
            </div>
          )}
        </div>
        <Field
          label="Claims"
          hint="One device a line: id, a space or comma, and the claim secret (43 characters of base64url)."
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
          <button type="button" className="button" onClick={onClose}>
            Close
          </button>
          <button type="submit" className="button primary" aria-disabled={busy}>
            {busy
              ? "Importing…"
              : claims.length > 0 && errors.length === 0
                ? `Import ${plural(claims.length, "claim")}`
                : "Import"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
