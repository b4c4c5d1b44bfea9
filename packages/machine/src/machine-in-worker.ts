// A machine in a thread of its own. Whatever shall outlive the thread (flash, retained RAM, when the watchdog was last
// petted) is shared memory that the thread's parent gave it; what happens is told by messages. For threads of any host.

import type { HostClock } from "./clock.ts";
import type { FlashLayout } from "./factory/flash-layout.ts";
import type { FlashOperation } from "./faults/flash-operation.ts";
import type { FlashCells } from "./flash/cells.ts";
import { FaultyCells, type PlannedCut, type PlannedReading } from "./flash/faulty-cells.ts";
import { NorFlash } from "./flash/nor-flash.ts";
import { Machine, type MachineParts } from "./machine.ts";
import { RetainedRam } from "./retained-ram.ts";
import { WatchdogCell } from "./watchdog.ts";

export interface MachineData {
  layout: FlashLayout;
  flash: SharedArrayBuffer;
  /** `unstableBytes` of it. */
  unstable: SharedArrayBuffer | undefined;
  cut: PlannedCut | undefined;
  reading: PlannedReading | undefined;
  retained: SharedArrayBuffer;
  watchdog: SharedArrayBuffer;
  rootKeys: Uint8Array[];
  bootModule: WebAssembly.Module;
  loader?: Uint8Array | undefined;
  resetPauseUs: number;
  resetCause: number;
}

export type MachineMessage =
  | { kind: "line"; line: string }
  | { kind: "reset"; reason: number }
  | { kind: "recovery" }
  | { kind: "halted" }
  | { kind: "serial"; bytes: Uint8Array }
  | { kind: "cut"; operation: FlashOperation }
  /** `timeoutMs` 0: disarmed. */
  | { kind: "watchdog"; timeoutMs: number };

/** What the thread's host brings. */
export type ThreadHost = Pick<MachineParts, "entropy" | "openStreams"> & { clock: HostClock };

/** `cells` are those of `data.flash`, as whole as the host has them. */
export function machineInWorker(
  data: MachineData,
  cells: FlashCells,
  host: ThreadHost,
  tell: (message: MachineMessage) => void,
): Machine {
  const { clock } = host;
  const pettedAt = new WatchdogCell(data.watchdog);
  const unstable = data.unstable && new Uint8Array(data.unstable);
  const faulty = new FaultyCells(cells, data.layout.sectorBytes, unstable);
  faulty.armCut(data.cut);
  if (data.reading) faulty.readUnstable(data.reading);
  let isInRecovery = false;
  return new Machine(
    {
      ...host,
      flash: new NorFlash(data.layout, faulty),
      retained: new RetainedRam(data.retained),
      watchdog: {
        arm: (timeoutMs) => tell({ kind: "watchdog", timeoutMs }),
        pet: () => (pettedAt.pettedUs = clock.nowUs()),
        disarm: () => tell({ kind: "watchdog", timeoutMs: 0 }),
      },
      rootKeys: data.rootKeys,
      bootModule: data.bootModule,
      loader: data.loader,
      wallClockS: () => Math.floor(Date.now() / 1000),
      resetPauseUs: data.resetPauseUs,
      resetCause: data.resetCause,
    },
    {
      line: (line) => tell({ kind: "line", line }),
      reset: (reason) => tell({ kind: "reset", reason }),
      recovery: () => {
        isInRecovery = true;
        tell({ kind: "recovery" });
      },
      halted: () => tell({ kind: "halted" }),
      // Outside of recovery the line says what "line" says already.
      serial: (bytes) => isInRecovery && tell({ kind: "serial", bytes: bytes.slice() }),
      cut: (operation) => tell({ kind: "cut", operation }),
    },
  );
}
