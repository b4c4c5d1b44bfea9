// The way of one release file after the other: looked at in the browser, then sent.

import { useEffect, useRef, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import type { Release, Trust } from "@flipside/api/types";
import { asProblem } from "./api/problem.ts";
import { listReleases, uploadRelease } from "./api/releases.ts";
import { getTrust } from "./api/trust.ts";
import { checkRelease } from "./release-check/check-release.ts";
import type { CheckedImage } from "./release-check/told.ts";
import { concernOf } from "./release-concerns.ts";

export interface Checked {
  file: File;
  images: CheckedImage[];
  /** That it was checked against. */
  trust: Trust;
  /** What the server would refuse it for, as far as can be told from here. */
  concern: ProblemError | undefined;
}

export type UploadState =
  | { kind: "idle" }
  | { kind: "checking"; fileName: string }
  | { kind: "checked"; fileName: string; checked: Checked }
  | { kind: "sending"; fileName: string; part: number }
  | { kind: "accepted"; fileName: string; release: Release }
  | {
      kind: "refused";
      fileName: string;
      problem: ProblemError;
      /** Whether any of it was sent. */
      wasSent: boolean;
      /** That it was checked against, if that is known. */
      trust: Trust | undefined;
      /** Does the same once more. */
      again: () => void;
    };

export interface Uploading {
  state: UploadState;
  /** The file whose sequence the operator is asked about. */
  outOfSequence: { checked: Checked; problem: ProblemError } | undefined;
  check: (file: File) => Promise<void>;
  send: (checked: Checked, confirmSequence?: boolean) => Promise<void>;
  abort: () => void;
  forget: () => void;
  forgetOutOfSequence: () => void;
}

/** What is under way ends with the component. */
export function useReleaseUpload(onAccepted: () => void): Uploading {
  const [state, setState] = useState<UploadState>({ kind: "idle" });
  const [outOfSequence, setOutOfSequence] = useState<Uploading["outOfSequence"]>();
  const abort = useRef<AbortController>(undefined);
  useEffect(() => () => abort.current?.abort(), []);

  const begin = (): AbortSignal => {
    abort.current?.abort();
    abort.current = new AbortController();
    return abort.current.signal;
  };

  const check = async (file: File): Promise<void> => {
    const signal = begin();
    const fileName = file.name;
    setState({ kind: "checking", fileName });
    let trust: Trust | undefined;
    try {
      trust = await getTrust();
      const images = await checkRelease(file, trust, signal);
      const concern = concernOf(images, await listReleases("true"));
      if (!signal.aborted) setState({ kind: "checked", fileName, checked: { file, images, trust, concern } });
    } catch (thrown) {
      const again = (): void => void check(file);
      if (!signal.aborted)
        setState({ kind: "refused", fileName, problem: asProblem(thrown), wasSent: false, trust, again });
    }
  };

  const send = async (checked: Checked, confirmSequence = false): Promise<void> => {
    const { file, trust } = checked;
    const fileName = file.name;
    const signal = begin();
    setState({ kind: "sending", fileName, part: 0 });
    try {
      const onProgress = (part: number): void => setState({ kind: "sending", fileName, part });
      const release = await uploadRelease(file, { onProgress, signal, confirmSequence });
      setState({ kind: "accepted", fileName, release });
      onAccepted();
    } catch (thrown) {
      const problem = asProblem(thrown);
      const again = (): void => void send(checked, confirmSequence);
      setState({ kind: "refused", fileName, problem, wasSent: true, trust, again });
      if (problem.code === "release-sequence") setOutOfSequence({ checked, problem });
    }
  };

  const sendOrAsk = async (checked: Checked, confirmSequence = false): Promise<void> => {
    const { concern } = checked;
    if (concern?.code === "release-sequence" && !confirmSequence) setOutOfSequence({ checked, problem: concern });
    else await send(checked, confirmSequence);
  };

  const forget = (): void => {
    abort.current?.abort();
    setState({ kind: "idle" });
  };
  return {
    ...{ state, outOfSequence, check, forget },
    send: sendOrAsk,
    abort: () => abort.current?.abort(),
    forgetOutOfSequence: () => setOutOfSequence(undefined),
  };
}
