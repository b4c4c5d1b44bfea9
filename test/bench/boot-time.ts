// How long a boot takes by the wall clock, in QEMU's ordinary (emulated, not counted) speed.

import { rmSync } from "node:fs";
import type { DeviceSnapshot } from "./device-snapshot.ts";
import { type Spread, spreadOf } from "./statistics.ts";

const BOOT_TIMEOUT_MS = 30_000;

/** Console lines that mark the way; the app has been started just before the agent's first line. */
const marks = { verified: /\] verified /, agent: /\] agent of /, mqtt: /\] mqtt connected/ } as const;

/** Milliseconds from starting QEMU to each mark. */
export async function timeBoots(snapshot: DeviceSnapshot, runs: number): Promise<Record<keyof typeof marks, Spread>> {
  const times: Record<keyof typeof marks, number[]> = { verified: [], agent: [], mqtt: [] };
  for (let i = 0; i < runs; i++) {
    const unikernel = snapshot.restore();
    // Taking the folder comes before that: SQLite writes to the disk and waits for it, which no device does.
    let begin = Number.NaN;
    unikernel.once("launch", () => void (begin = performance.now()));
    const reached = (Object.keys(marks) as (keyof typeof marks)[]).map(async (mark) => {
      await unikernel.waitForLine(marks[mark], BOOT_TIMEOUT_MS);
      times[mark].push(performance.now() - begin);
    });
    unikernel.powerOn();
    try {
      await Promise.all(reached);
    } finally {
      await unikernel.cutPower();
      // Else the disk is busy with it while the next one starts.
      rmSync(unikernel.options.folder, { recursive: true });
    }
  }
  return { verified: spreadOf(times.verified), agent: spreadOf(times.agent), mqtt: spreadOf(times.mqtt) };
}
