// The worker of the page "Try to brick it": a device, its server and the judge, in a thread of their own, which speaks
// the page's language. Here nothing is imported but what comes later: the address of this script may name a port
// (device-store.ts), so whatever imported anything from it would load it a second time.

import type { JoiningDevice } from "../joining-device.ts";
import type { Order, Snapshot } from "../snapshot.ts";

/** `base`: where the files of the demonstration lie. `joining`: undefined: the device's server is in the tab. */
export type ToWorker =
  | { kind: "open"; base: string; seed: number; joining: JoiningDevice | undefined }
  | { kind: "order"; order: Order };
export type FromWorker = { kind: "snapshot"; snapshot: Snapshot } | { kind: "failed"; why: string };

async function load(): Promise<(message: ToWorker) => Promise<void>> {
  const { startLanguageInWorker } = await import("../../language/start-language.ts");
  await startLanguageInWorker();
  return (await import("./hear.ts")).hear;
}

const loaded = load();
// At once: what comes before there is somebody who hears it would be lost.
self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  loaded
    .then((hear) => hear(data))
    .catch((thrown: unknown) => {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      self.postMessage({ kind: "failed", why } satisfies FromWorker);
    });
};
