// The worker that replays cases of the power-cut campaign, in the page's language.

export interface ReplayRequest {
  /** Where the files of the demonstration lie. */
  base: string;
  caseId: string;
  seed: number;
}

export type ReplayAnswer =
  | { kind: "replayed"; story: string; lines: string[]; violations: string[]; outcome: string | undefined }
  /** The case can't be replayed: why. */
  | { kind: "refused"; why: string };

async function load(): Promise<(request: ReplayRequest) => Promise<ReplayAnswer>> {
  const { startLanguageInWorker } = await import("../../language/start-language.ts");
  await startLanguageInWorker();
  return (await import("./replay-case.ts")).replayed;
}

const loaded = load();
// At once: what comes before there is somebody who hears it would be lost.
self.onmessage = ({ data }: MessageEvent<ReplayRequest>) => {
  loaded
    .then((replayed) => replayed(data))
    .catch((thrown: unknown): ReplayAnswer => {
      return { kind: "refused", why: thrown instanceof Error ? thrown.message : String(thrown) };
    })
    .then((answer) => self.postMessage(answer));
};
