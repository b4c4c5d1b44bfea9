// The worker of the page "Try to brick it": a device, its server and the judge, in a thread of their own.

import "./buffer-in-a-browser.ts";
import type { Order, Snapshot } from "../snapshot.ts";
import type { JoiningDevice } from "../joining-device.ts";
import { openDemonstration } from "./demonstration.ts";
import { type Driven, Driver } from "./driver.ts";
import { makeJoining } from "./joined.ts";
import { readBeside } from "../read-beside.ts";

/** `base`: where the files of the demonstration lie. `joining`: undefined: the device's server is in the tab. */
export type ToWorker =
  | { kind: "open"; base: string; seed: number; joining: JoiningDevice | undefined }
  | { kind: "order"; order: Order };
export type FromWorker = { kind: "snapshot"; snapshot: Snapshot } | { kind: "failed"; why: string };

const TICK_MS = 16;

const tell = (message: FromWorker): void => self.postMessage(message);
const failed = (thrown: unknown): void =>
  tell({ kind: "failed", why: thrown instanceof Error ? thrown.message : String(thrown) });

let driver: Driver | undefined;

/** Of what was told last, but for what is new each time. */
let told = "";

function isNews({ touched, timeline, console: lines, kinds, ...rest }: Snapshot): boolean {
  const now = JSON.stringify([...kinds, rest]);
  const isNew = now !== told || touched.length > 0 || timeline.length > 0 || lines.length > 0;
  told = now;
  return isNew;
}

function goOn(running: Driver): void {
  try {
    running.tick();
    const snapshot = running.snapshot();
    if (isNews(snapshot)) tell({ kind: "snapshot", snapshot });
    setTimeout(() => goOn(running), TICK_MS);
  } catch (error) {
    failed(error);
  }
}

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === "order") return void driver?.obey(data.order).catch(failed);
  drivenOf(data.base, data.joining).then((driven) => {
    driver = new Driver(driven, data.seed, () => performance.now());
    if (data.joining !== undefined) void driver.obey({ kind: "power-on" });
    goOn(driver);
  }, failed);
};

async function drivenOf(base: string, joining: JoiningDevice | undefined): Promise<Driven> {
  if (joining === undefined) return { demonstration: await openDemonstration((name) => readBeside(base, name)) };
  const loader = await WebAssembly.compile((await readBeside(base, "boot.wasm")) as Uint8Array<ArrayBuffer>);
  return { made: await makeJoining(joining, loader), joining };
}
