// What the worker does for the page: it opens a device, lets its time go by, gives it orders, and tells what is seen of
// it.

import "./buffer-in-a-browser.ts";
import type { JoiningDevice } from "../joining-device.ts";
import { readBeside } from "../read-beside.ts";
import type { Snapshot } from "../snapshot.ts";
import { openDemonstration } from "./demonstration.ts";
import { type Driven, Driver } from "./driver.ts";
import { makeJoining } from "./joined.ts";
import type { FromWorker, ToWorker } from "./worker.ts";

const TICK_MS = 16;

const tell = (message: FromWorker): void => self.postMessage(message);

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
    tell({ kind: "failed", why: error instanceof Error ? error.message : String(error) });
  }
}

/** Throws what keeps the device from being opened, or from doing what it is told. */
export async function hear(message: ToWorker): Promise<void> {
  if (message.kind === "order") return driver?.obey(message.order);
  const { base, seed, joining } = message;
  driver = new Driver(await drivenOf(base, joining), seed, () => performance.now());
  goOn(driver);
  if (joining !== undefined) await driver.obey({ kind: "power-on" });
}

async function drivenOf(base: string, joining: JoiningDevice | undefined): Promise<Driven> {
  if (joining === undefined) return { demonstration: await openDemonstration((name) => readBeside(base, name)) };
  const loader = await WebAssembly.compile((await readBeside(base, "boot.wasm")) as Uint8Array<ArrayBuffer>);
  return { made: await makeJoining(joining, loader), joining };
}
