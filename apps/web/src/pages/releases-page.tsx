import { type DragEvent, type ReactNode, useEffect, useRef, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import type { Release, ReleaseImage } from "@flipside/api/types";
import { asProblem } from "../api/problem.ts";
import { archiveRelease, deleteRelease, unarchiveRelease, uploadRelease } from "../api/releases.ts";
import { ActButton, ActLink, useRefusal } from "../components/act.tsx";
import { ArchivingButtons, ShowArchived, useShowsArchived } from "../components/archiving.tsx";
import { DataTable } from "../components/data-table.tsx";
import { ConfirmDialog } from "../components/dialog.tsx";
import { Digest } from "../components/digest.tsx";
import { Icon } from "../components/icon.tsx";
import { Loaded } from "../components/loaded.tsx";
import { Page } from "../components/page.tsx";
import { PermitDialog } from "../components/permit-dialog.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import { ProgressBar } from "../components/progress-bar.tsx";
import { TimeAgo } from "../components/time-ago.tsx";
import { useFleet } from "../live/hooks.ts";
import { newRolloutPath } from "../router.ts";
import { archived, lostFile, revokedRelease } from "../words/state-words.ts";
import { errorWords } from "../words/error-words.ts";
import { whatToDo } from "../words/problem-words.ts";
import { asSentence, bytes, plural } from "../words/quantities.ts";

export function ReleasesPage(): ReactNode {
  const fleet = useFleet();
  const [showsArchived, setShowsArchived] = useShowsArchived();
  return (
    <Page
      title="Releases"
      summary="Signed images that may be rolled out. The server checks every signature and never makes an image itself."
    >
      <Upload onAccepted={() => void fleet.releases.reload()} />
      <div className="toolbar">
        <ShowArchived checked={showsArchived} onChange={setShowsArchived} />
      </div>
      <Loaded resource={showsArchived ? fleet.allReleases : fleet.releases} what="the list of releases">
        {(releases) => <ReleaseList releases={[...releases.values()]} />}
      </Loaded>
    </Page>
  );
}

type UploadState =
  | { kind: "idle" }
  | { kind: "sending"; fileName: string; part: number }
  | { kind: "accepted"; fileName: string; release: Release }
  | { kind: "refused"; fileName: string; problem: ProblemError; again: () => void };

interface Uploading {
  state: UploadState;
  /** The file whose sequence the operator is asked about. */
  outOfSequence: { file: File; problem: ProblemError } | undefined;
  send: (file: File, confirmSequence?: boolean) => Promise<void>;
  abort: () => void;
  forgetOutOfSequence: () => void;
}

/** One upload after the other; one that is under way ends with the component. */
function useUpload(onAccepted: () => void): Uploading {
  const [state, setState] = useState<UploadState>({ kind: "idle" });
  const [outOfSequence, setOutOfSequence] = useState<Uploading["outOfSequence"]>();
  const abort = useRef<AbortController>(undefined);
  useEffect(() => () => abort.current?.abort(), []);

  const send = async (file: File, confirmSequence = false): Promise<void> => {
    abort.current = new AbortController();
    setState({ kind: "sending", fileName: file.name, part: 0 });
    try {
      const onProgress = (part: number): void => setState({ kind: "sending", fileName: file.name, part });
      const release = await uploadRelease(file, { onProgress, signal: abort.current.signal, confirmSequence });
      setState({ kind: "accepted", fileName: file.name, release });
      onAccepted();
    } catch (thrown) {
      const problem = asProblem(thrown);
      setState({ kind: "refused", fileName: file.name, problem, again: () => void send(file, confirmSequence) });
      if (problem.code === "release-sequence") setOutOfSequence({ file, problem });
    }
  };
  const forgetOutOfSequence = (): void => setOutOfSequence(undefined);
  return { state, outOfSequence, send, abort: () => abort.current?.abort(), forgetOutOfSequence };
}

function Upload({ onAccepted }: { onAccepted: () => void }): ReactNode {
  const { state, outOfSequence, send, abort, forgetOutOfSequence } = useUpload(onAccepted);
  const verdict = useRef<HTMLDivElement>(null);

  // The verdict is what the operator waited for: it gets the focus, and is read out as a live region.
  useEffect(() => {
    if (state.kind === "accepted" || state.kind === "refused") verdict.current?.focus();
  }, [state.kind]);

  return (
    <section className="panel upload-panel" aria-labelledby="upload-heading">
      <h2 id="upload-heading">Upload a release</h2>
      {outOfSequence && (
        <ConfirmDialog
          title="Its sequence does not rise with its version"
          confirm="Upload it anyway"
          dangerous
          action={async () => void send(outOfSequence.file, true)}
          onClose={forgetOutOfSequence}
        >
          <p>{outOfSequence.problem.detail.replace(/ Build it with.*$/, "")}</p>
          <p>
            Devices go back to a lower sequence by a permit, or to what they have in their other slot. Upload it only if
            the order is meant.
          </p>
        </ConfirmDialog>
      )}
      <DropZone state={state} send={send} abort={abort} />
      <div ref={verdict} className="verdict" role="status" aria-live="polite" tabIndex={-1}>
        {state.kind === "accepted" && <Accepted fileName={state.fileName} release={state.release} />}
        {state.kind === "refused" && <Refused {...state} />}
      </div>
    </section>
  );
}

/** Where a file is dropped or chosen, and its way watched. */
function DropZone({ state, send, abort }: Pick<Uploading, "state" | "send" | "abort">): ReactNode {
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const sending = state.kind === "sending";
  const refusal = useRefusal("releases:write");

  const take = async (file: File): Promise<void> => {
    await send(file);
    // So that the same file may be chosen once more.
    if (input.current) input.current.value = "";
  };

  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file && !sending && refusal === undefined) void take(file);
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
      {sending ? (
        <div className="upload-progress">
          <p>
            {state.part < 1 ? "Sending" : "Checking signatures of"} <strong>{state.fileName}</strong>
          </p>
          <ProgressBar part={state.part} label={`Upload of ${state.fileName}`} />
          <button type="button" className="button small" onClick={abort}>
            Cancel upload
          </button>
        </div>
      ) : (
        <>
          <ActButton needs="releases:write" className="button primary" onClick={() => input.current?.click()}>
            <Icon name="upload" /> Choose release file
          </ActButton>
          <p className="muted drop-hint">or drop it here. At most 64 MiB.</p>
        </>
      )}
    </div>
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
          {fileName} holds {plural(release.images.length, "image")}; every signature is valid.
        </p>
        <ImageList images={release.images} />
        <p>
          <ActLink needs="rollouts:write" className="button small" href={newRolloutPath(release.id)}>
            Roll it out
          </ActLink>
        </p>
      </div>
    </div>
  );
}

/** `again` sends the same file once more: where none of it was looked at, it may be right. */
function Refused({ fileName, problem, again }: Extract<UploadState, { kind: "refused" }>): ReactNode {
  const words = errorWords(problem.code);
  // The code is shown apart, so it need not lead the remark as well.
  const remark = asSentence(problem.detail.replace(`${problem.code}: `, ""));
  return (
    <div className="notice tone-bad">
      <Icon name="cross" />
      <div className="notice-body">
        <p className="notice-title">
          {problem.status === 0 || problem.status >= 500 ? "Not uploaded" : "Refused"}: {fileName}
        </p>
        <p>{words ? words.means : problem.title}</p>
        {!words && remark && <p>{remark}</p>}
        {problem.errors.map((error) => (
          <p key={`${error.path} ${error.message}`}>
            {error.path && <code>{error.path}</code>} {error.message}
          </p>
        ))}
        <p>
          <strong>What to do:</strong> {whatToDo(problem)}
        </p>
        {problem.status === 0 && (
          <button type="button" className="button small" onClick={again}>
            Try again
          </button>
        )}
        {words && remark && <p className="faint">The server’s own words: {remark}</p>}
        <p className="faint">
          Code <code>{problem.code}</code>.{problem.status >= 400 && problem.status < 500 && " Nothing was stored."}
        </p>
      </div>
    </div>
  );
}

const revisions = (image: ReleaseImage): string =>
  image.revisionMin === image.revisionMax
    ? `revision ${image.revisionMin}`
    : image.revisionMax >= 0xffff
      ? `revision ${image.revisionMin} and later`
      : `revisions ${image.revisionMin} to ${image.revisionMax}`;

const ImageList = ({ images }: { images: ReleaseImage[] }): ReactNode => (
  <ul className="images" role="list">
    {images.map((image) => (
      <li key={image.digest}>
        <span className="image-hardware">{image.hardware}</span>
        <span className="muted">
          {revisions(image)} · {bytes(image.sizeBytes)} · security {image.securityCounter}
        </span>
        <Digest value={image.digest} />
        {image.file !== "present" && <StateBadge words={lostFile[image.file]} />}
      </li>
    ))}
  </ul>
);

/** What it changes is told by events, as to everybody. */
const ReleaseArchiving = ({ release: { id, product, version, archivedAt } }: { release: Release }): ReactNode => (
  <ArchivingButtons
    what="release"
    needs="releases:write"
    name={`${product} ${version}`}
    isArchived={archivedAt !== null}
    isSmall
    archiving="It is out of lists and can’t be rolled out. Rollouts that use it go on."
    deleting="Its images go, with their files and permits. It is refused as long as a device has it in a slot, or a rollout may still use it. Archived rollouts go on telling of it."
    onArchive={async () => void (await archiveRelease(id))}
    onUnarchive={async () => void (await unarchiveRelease(id))}
    onDelete={() => deleteRelease(id)}
  />
);

function ReleaseList({ releases }: { releases: Release[] }): ReactNode {
  const [permitFor, setPermitFor] = useState<Release>();
  if (releases.length === 0) {
    return (
      <div className="empty">
        <h2>No releases yet</h2>
        <p>Build and sign one, then upload its file above. Nothing reaches a device before you create a rollout.</p>
      </div>
    );
  }
  const newestFirst = [...releases].sort((one, two) => two.uploadedAt.localeCompare(one.uploadedAt));
  return (
    <>
      {permitFor && <PermitDialog release={permitFor} onClose={() => setPermitFor(undefined)} />}
      <DataTable
        caption="Releases, newest first"
        rows={newestFirst}
        rowKey={(release) => release.id}
        columns={[
          {
            head: "Release",
            isName: true,
            cell: (release) => (
              <>
                <span className="row-name">
                  <bdi>{release.product}</bdi> <bdi>{release.version}</bdi>
                </span>
                <span className="sub">sequence {release.releaseSequence}</span>
                {release.revoked && (
                  <span className="sub">
                    <StateBadge words={revokedRelease} />
                  </span>
                )}
                {release.archivedAt !== null && (
                  <span className="sub">
                    <StateBadge words={archived} />
                  </span>
                )}
                {release.description && <span className="sub">{release.description}</span>}
              </>
            ),
          },
          { head: "Images", className: "col-images", cell: (release) => <ImageList images={release.images} /> },
          {
            head: "Uploaded",
            cell: (release) => (
              <>
                <TimeAgo at={release.uploadedAt} />
                <span className="sub">by {release.uploadedBy}</span>
              </>
            ),
          },
          {
            head: "Action",
            bareOnCard: true,
            cell: (release) => (
              <div className="actions">
                {release.archivedAt === null && (
                  <ActLink
                    needs="rollouts:write"
                    className="button small"
                    href={newRolloutPath(release.id)}
                    label={`Roll out ${release.product} ${release.version}`}
                  >
                    Roll out
                  </ActLink>
                )}
                <ActButton
                  needs="releases:write"
                  className="button small"
                  onClick={() => setPermitFor(release)}
                  aria-label={`Add permit for ${release.product} ${release.version}`}
                >
                  Add permit
                </ActButton>
                <ReleaseArchiving release={release} />
              </div>
            ),
          },
        ]}
      />
    </>
  );
}
