import { t } from "@lingui/core/macro";
import { Trans } from "@lingui/react/macro";
import { type FormEvent, type ReactNode, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import type { Release } from "@flipside/api/types";
import { asProblem } from "../api/problem.ts";
import { addPermit } from "../api/releases.ts";
import { Dialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { Icon } from "./icon.tsx";
import { ProblemNotice } from "./problem-notice.tsx";

function addedText(anyDevice: boolean, hardware: string | undefined): string {
  if (hardware === undefined)
    return anyDevice ? t`Added: any device may go back to the image.` : t`Added: one device may go back to the image.`;
  return anyDevice
    ? t`Added: any device may go back to the image for ${hardware}.`
    : t`Added: one device may go back to the image for ${hardware}.`;
}

/** Uploads a permit, by which devices go back from a newer release to this one. */
export function PermitDialog({ release, onClose }: { release: Release; onClose: () => void }): ReactNode {
  const [file, setFile] = useState<File>();
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();
  const [added, setAdded] = useState<{ digest: string; anyDevice: boolean }>();

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setTried(true);
    setProblem(undefined);
    setAdded(undefined);
    if (!file || busy) return;
    setBusy(true);
    try {
      setAdded(await addPermit(release.id, file));
    } catch (thrown) {
      setProblem(asProblem(thrown));
    } finally {
      setBusy(false);
    }
  };

  const { product, version } = release;
  const hardware = release.images.find((image) => image.digest === added?.digest)?.hardware;
  return (
    <Dialog title={t`Add a permit for ${product} ${version}`} onClose={onClose}>
      <form noValidate onSubmit={(event) => void submit(event)}>
        <p className="muted">
          <Trans>
            Devices that run a newer release go back to this one by a permit that a release key has signed. Those that
            have it in their other slot, confirmed, need none.
          </Trans>
        </p>
        {problem && <ProblemNotice problem={problem} lead={t`The permit was not added`} />}
        <div role="status">
          {added && (
            <div className="notice tone-ok">
              <Icon name="check" />
              <p className="notice-body">{addedText(added.anyDevice, hardware)}</p>
            </div>
          )}
        </div>
        <Field label={t`Permit file`} error={tried && !file ? t`Choose a file.` : undefined}>
          {(ids) => <input {...ids} type="file" onChange={(event) => setFile(event.target.files?.[0])} />}
        </Field>
        <div className="actions dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            {t`Close`}
          </button>
          <button type="submit" className="button primary" aria-disabled={busy}>
            {busy ? t`Adding…` : t`Add permit`}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
