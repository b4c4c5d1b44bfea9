// A release file is dropped or chosen, looked at here, and sent when somebody says so.

import { type DragEvent, type ReactNode, useEffect, useRef, useState } from "react";
import type { Release } from "@flipside/api/types";
import { newRolloutPath, releasePath } from "../router.ts";
import { type Checked, type Uploading, useReleaseUpload } from "../use-release-upload.ts";
import { plural } from "../words/quantities.ts";
import { ActButton, ActLink, useRefusal } from "./act.tsx";
import { CheckedRelease } from "./checked-release.tsx";
import { ConfirmDialog } from "./dialog.tsx";
import { Icon } from "./icon.tsx";
import { Link } from "./link.tsx";
import { ProgressBar } from "./progress-bar.tsx";
import { RefusedRelease } from "./refused-release.tsx";
import { ImageList } from "./release-images.tsx";

export function ReleaseUpload({ onAccepted }: { onAccepted: () => void }): ReactNode {
  const uploading = useReleaseUpload(onAccepted);
  const { state, send, forget } = uploading;
  const verdict = useRef<HTMLDivElement>(null);

  // The verdict is what the operator waited for: it gets the focus, and is read out as a live region.
  useEffect(() => {
    if (state.kind === "accepted" || state.kind === "refused" || state.kind === "checked") verdict.current?.focus();
  }, [state.kind]);

  return (
    <section className="panel upload-panel" aria-labelledby="upload-heading">
      <h2 id="upload-heading">Upload a release</h2>
      <SequenceQuestion {...uploading} />
      <DropZone {...uploading} />
      <div ref={verdict} className="verdict" role="status" aria-live="polite" tabIndex={-1}>
        {state.kind === "checked" && (
          <CheckedVerdict checked={state.checked} onSend={() => void send(state.checked)} onForget={forget} />
        )}
        {state.kind === "accepted" && <Accepted fileName={state.fileName} release={state.release} />}
        {state.kind === "refused" && <RefusedRelease {...state} />}
      </div>
    </section>
  );
}

const SequenceQuestion = ({ outOfSequence, send, forgetOutOfSequence }: Uploading): ReactNode =>
  outOfSequence && (
    <ConfirmDialog
      title="Its sequence does not rise with its version"
      confirm="Upload it anyway"
      dangerous
      action={async () => void send(outOfSequence.checked, true)}
      onClose={forgetOutOfSequence}
    >
      <p>{outOfSequence.problem.detail.replace(/ Build it with.*$/, "")}</p>
      <p>
        Devices go back to a lower sequence by a permit, or to what they have in their other slot. Upload it only if the
        order is meant.
      </p>
    </ConfirmDialog>
  );

/** Where a file is dropped or chosen, and its way watched. */
function DropZone({ state, check, abort, forget }: Uploading): ReactNode {
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const refusal = useRefusal("releases:write");
  const isBusy = state.kind === "checking" || state.kind === "sending";

  const take = async (file: File): Promise<void> => {
    await check(file);
    // So that the same file may be chosen once more.
    if (input.current) input.current.value = "";
  };

  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file && !isBusy && refusal === undefined) void take(file);
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a place to drop on; the button in it does the same by keys
    <div
      className={`dropzone ${over ? "is-over" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <input
        ref={input}
        id="release-file"
        className="visually-hidden"
        type="file"
        tabIndex={-1}
        aria-label="Release file"
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (file) void take(file);
        }}
      />
      {state.kind === "checking" || state.kind === "sending" ? (
        <UnderWay state={state} onCancel={state.kind === "checking" ? forget : abort} />
      ) : (
        <>
          <ActButton needs="releases:write" className="button primary" onClick={() => input.current?.click()}>
            <Icon name="scan" /> Choose release file
          </ActButton>
          <p className="muted drop-hint">
            or drop it here. At most 64 MiB. It is checked in this browser, by the verifier that devices use; nothing is
            sent before you say so.
          </p>
        </>
      )}
    </div>
  );
}

function UnderWay({
  state,
  onCancel,
}: {
  state: Extract<Uploading["state"], { kind: "checking" | "sending" }>;
  onCancel: () => void;
}): ReactNode {
  const name = (
    <strong>
      <bdi>{state.fileName}</bdi>
    </strong>
  );
  if (state.kind === "checking")
    return (
      <div className="upload-progress" role="status">
        <p>Checking {name} here. Nothing is sent yet.</p>
        <button type="button" className="button small" onClick={onCancel}>
          Cancel check
        </button>
      </div>
    );
  return (
    <div className="upload-progress">
      <p>
        {state.part < 1 ? "Sending" : "The server checks"} {name}
      </p>
      <ProgressBar part={state.part} label={`Upload of ${state.fileName}`} />
      <button type="button" className="button small" onClick={onCancel}>
        Cancel upload
      </button>
    </div>
  );
}

/** All that is known of a file that is in order, and the way on. */
function CheckedVerdict({
  checked: { file, images, trust, concern },
  onSend,
  onForget,
}: {
  checked: Checked;
  onSend: () => void;
  onForget: () => void;
}): ReactNode {
  return (
    <section className="checked-release" aria-label={`What ${file.name} is`}>
      <div className={`notice tone-${concern === undefined ? "ok" : "warn"}`}>
        <Icon name={concern === undefined ? "check" : "alert"} />
        <div className="notice-body">
          <p className="notice-title">
            Verified here: <bdi>{file.name}</bdi>
          </p>
          <p>
            {plural(images.length, "image")}; every signature, chunk table and chunk holds against trust record{" "}
            {trust.version}. Nothing was sent yet.
          </p>
          {concern && (
            <p>
              <strong>{concern.title}.</strong> {concern.detail}
            </p>
          )}
        </div>
      </div>
      <CheckedRelease images={images} trust={trust} />
      <div className="actions">
        <ActButton needs="releases:write" className="button primary" onClick={onSend}>
          <Icon name="upload" /> {concern?.code === "release-exists" ? "Ask the server all the same" : "Upload"}
        </ActButton>
        <button type="button" className="button" onClick={onForget}>
          Put it away
        </button>
      </div>
    </section>
  );
}

function Accepted({ fileName, release }: { fileName: string; release: Release }): ReactNode {
  return (
    <div className="notice tone-ok">
      <Icon name="check" />
      <div className="notice-body">
        <p className="notice-title">
          Accepted: <bdi>{release.product}</bdi> <bdi>{release.version}</bdi>
        </p>
        <p>
          <bdi>{fileName}</bdi> holds {plural(release.images.length, "image")}; the server has checked every signature
          once more.
        </p>
        <ImageList images={release.images} />
        <p className="actions">
          <ActLink needs="rollouts:write" className="button small" href={newRolloutPath(release.id)}>
            Roll it out
          </ActLink>
          <Link className="button small" href={releasePath(release.id)}>
            Look at it
          </Link>
        </p>
      </div>
    </div>
  );
}
