// A release file is dropped or chosen, looked at here, and sent when somebody says so.

import { plural, t } from "@lingui/core/macro";
import { Plural, Trans } from "@lingui/react/macro";
import { type DragEvent, type ReactNode, useEffect, useRef, useState } from "react";
import type { Release } from "@flipside/api/types";
import { newRolloutPath, releasePath } from "../router.ts";
import { type Checked, type Uploading, useReleaseUpload } from "../use-release-upload.ts";
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
      <h2 id="upload-heading">{t`Upload a release`}</h2>
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
      title={t`Its sequence does not rise with its version`}
      confirm={t`Upload it anyway`}
      dangerous
      action={async () => void send(outOfSequence.checked, true)}
      onClose={forgetOutOfSequence}
    >
      <p>{outOfSequence.problem.detail.replace(/ Build it with.*$/, "")}</p>
      <p>
        <Trans>
          Devices go back to a lower sequence by a permit, or to what they have in their other slot. Upload it only if
          the order is meant.
        </Trans>
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
        aria-label={t`Release file`}
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
            <Icon name="scan" /> {t`Choose release file`}
          </ActButton>
          <p className="muted drop-hint">
            <Trans>
              or drop it here. At most 64 MiB. It is checked in this browser, by the verifier that devices use; nothing
              is sent before you say so.
            </Trans>
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
  const { fileName } = state;
  if (state.kind === "checking")
    return (
      <div className="upload-progress" role="status">
        <p>
          <Trans>
            Checking{" "}
            <strong>
              <bdi>{fileName}</bdi>
            </strong>{" "}
            here. Nothing is sent yet.
          </Trans>
        </p>
        <button type="button" className="button small" onClick={onCancel}>
          {t`Cancel check`}
        </button>
      </div>
    );
  return (
    <div className="upload-progress">
      <p>
        {state.part < 1 ? (
          <Trans>
            Sending{" "}
            <strong>
              <bdi>{fileName}</bdi>
            </strong>
          </Trans>
        ) : (
          <Trans>
            The server checks{" "}
            <strong>
              <bdi>{fileName}</bdi>
            </strong>
          </Trans>
        )}
      </p>
      <ProgressBar part={state.part} label={t`Upload of ${fileName}`} />
      <button type="button" className="button small" onClick={onCancel}>
        {t`Cancel upload`}
      </button>
    </div>
  );
}

const holdsText = (images: number, record: number): string =>
  t`${plural(images, { one: "# image", other: "# images" })}; every signature, chunk table and chunk holds against trust record ${record}. Nothing was sent yet.`;

const Concern = ({ title, detail }: { title: string; detail: string }): ReactNode => (
  <Trans>
    <strong>{title}.</strong> {detail}
  </Trans>
);

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
  const { name } = file;
  return (
    <section className="checked-release" aria-label={t`What ${name} is`}>
      <div className={`notice tone-${concern === undefined ? "ok" : "warn"}`}>
        <Icon name={concern === undefined ? "check" : "alert"} />
        <div className="notice-body">
          <p className="notice-title">
            <Trans>
              Verified here: <bdi>{name}</bdi>
            </Trans>
          </p>
          <p>{holdsText(images.length, trust.version)}</p>
          {concern && (
            <p>
              <Concern title={concern.title} detail={concern.detail} />
            </p>
          )}
        </div>
      </div>
      <CheckedRelease images={images} trust={trust} />
      <div className="actions">
        <ActButton needs="releases:write" className="button primary" onClick={onSend}>
          <Icon name="upload" /> {concern?.code === "release-exists" ? t`Ask the server all the same` : t`Upload`}
        </ActButton>
        <button type="button" className="button" onClick={onForget}>
          {t`Put it away`}
        </button>
      </div>
    </section>
  );
}

function Accepted({ fileName, release }: { fileName: string; release: Release }): ReactNode {
  const { product, version, images } = release;
  const held = images.length;
  return (
    <div className="notice tone-ok">
      <Icon name="check" />
      <div className="notice-body">
        <p className="notice-title">
          <Trans>
            Accepted: <bdi>{product}</bdi> <bdi>{version}</bdi>
          </Trans>
        </p>
        <p>
          <Trans>
            <bdi>{fileName}</bdi> holds <Plural value={held} one="# image" other="# images" />; the server has checked
            every signature once more.
          </Trans>
        </p>
        <ImageList images={images} />
        <p className="actions">
          <ActLink needs="rollouts:write" className="button small" href={newRolloutPath(release.id)}>
            {t`Roll it out`}
          </ActLink>
          <Link className="button small" href={releasePath(release.id)}>
            {t`Look at it`}
          </Link>
        </p>
      </div>
    </div>
  );
}
