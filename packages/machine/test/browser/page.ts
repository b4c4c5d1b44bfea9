// The page that a test drives: runs one virtual device until its console says a line that matches, and tells what it
// said.

import type { FlashLayout } from "../../src/factory/flash-layout.ts";
import { BrowserDevice } from "../../browser/virtual-device.ts";

export interface PageRun {
  layout: FlashLayout;
  /** Paths on the page's server. */
  bootWasm: string;
  flash: string;
  rootKeys: number[][];
  relay: string;
  end: string;
  timeoutMs: number;
}

export interface PageOutcome {
  lines: string[];
  /** EXO_BOOT_* of each boot after the first. */
  resets: number[];
}

declare global {
  var runDevice: (run: PageRun) => Promise<PageOutcome>;
}

globalThis.runDevice = async ({ layout, bootWasm, flash, rootKeys, relay, end, timeoutMs }) => {
  const outcome: PageOutcome = { lines: [], resets: [] };
  const bytes = async (path: string): Promise<ArrayBuffer> => (await fetch(path)).arrayBuffer();
  const bootModule = await WebAssembly.compile(await bytes(bootWasm));
  const content = new Uint8Array(await bytes(flash));
  await new Promise<void>((resolve) => {
    const stop = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(() => {
      outcome.lines.push(`no console line matched ${end} in ${timeoutMs} ms`);
      device.cutPower();
      resolve();
    }, timeoutMs);
    const device = new BrowserDevice(
      {
        layout,
        flash: content,
        bootModule,
        relay,
        resetPauseMs: 20,
        rootKeys: rootKeys.map((key) => Uint8Array.from(key)),
      },
      {
        line(line) {
          outcome.lines.push(line);
          if (!new RegExp(end).test(line)) return;
          device.cutPower();
          stop();
        },
        reset: (reason) => outcome.resets.push(reason),
        serial: () => {},
        stopped: stop,
      },
    );
    device.powerOn();
  });
  return outcome;
};
