// An image that records its sleeps: the same code with some room in it (sleep-recorder-room.S), but its wfi is a jump
// to sleep-recorder.S, which is put there. Stopping at the wfi with a debugger would not do: QEMU 7.2 lets the virtual
// clock jump to the next timer whenever a debugger stops it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildPayloads } from "../../apps/agent/build/build-release.ts";
import { symbolsOf } from "../../apps/agent/build/link.ts";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { runTool } from "../../apps/agent/build/run-tool.ts";
import { findInstruction } from "./find-instruction.ts";

const RAM_BASE = 0x80000000;
/** COUNT of sleep-recorder.S. */
const COUNT_ADDRESS = 0x80000800;
const ENTRIES_MIN = 1000;
const WFI = 0x10500073;

/** In ticks of mtime. */
export interface Sleep {
  from: number;
  to: number;
}

/** `jal x0` (RISC-V unprivileged architecture 2.5: J-type immediate). */
function jump(from: number, to: number): number {
  const offset = to - from;
  return (
    ((((offset >> 20) & 1) << 31) |
      (((offset >> 1) & 0x3ff) << 21) |
      (((offset >> 11) & 1) << 20) |
      (((offset >> 12) & 0xff) << 12) |
      0x6f) >>>
    0
  );
}

export interface SleepLog {
  address: number;
  entries: number;
}

/** The image's payload with the recorder in it, and where it will log; `folder` is for the assembler. */
export async function payloadThatRecordsSleeps(folder: string): Promise<{ payload: Uint8Array; log: SleepLog }> {
  const room = join(repositoryRoot, "test/bench/sleep-recorder-room.S");
  const { unikernel: program } = await buildPayloads({ extraFiles: [room] });
  const symbols = await symbolsOf(program.elfPath);
  const textStart = symbols.get("__text_start")!;
  // Others end a run: after a crash, or on the way into a reset.
  const sleep = await findInstruction(program.elfPath, /^wfi/, /^(kernel_main|idle)\b/);
  const address = symbols.get("sleep_recorder_room")!;
  const roomBytes = symbols.get("sleep_recorder_room_end")! - address;
  const logAddress = Math.ceil(symbols.get("__variables_end")! / 8) * 8;
  const log = { address: logAddress, entries: (symbols.get("agent_memory")! - logAddress) / 8 };
  if (log.entries < ENTRIES_MIN)
    throw new Error(`the image leaves RAM for ${log.entries} recorded sleeps; this benchmark wants ${ENTRIES_MIN}`);
  const elf = join(folder, "sleep-recorder.elf");
  const binary = join(folder, "sleep-recorder.bin");
  await runTool("riscv64-unknown-elf-gcc", [
    "-march=rv32imac",
    "-misa-spec=2.2",
    "-mabi=ilp32",
    "-nostdlib",
    `-Wl,-Ttext=0x${address.toString(16)}`,
    `-Wl,--defsym=after_sleep=0x${(sleep + 4).toString(16)}`,
    `-Wl,--defsym=sleep_log=0x${log.address.toString(16)}`,
    `-Wl,--defsym=sleep_log_entries=${log.entries}`,
    join(repositoryRoot, "test/bench/sleep-recorder.S"),
    "-o",
    elf,
  ]);
  await runTool("riscv64-unknown-elf-objcopy", ["-O", "binary", "-j", ".text", elf, binary]);
  const code = readFileSync(binary);
  if (code.length > roomBytes)
    throw new Error(`sleep-recorder-room.S has room for ${roomBytes} bytes; the sleep recorder needs ${code.length}`);

  const payload = new Uint8Array(readFileSync(program.binaryPath));
  const view = new DataView(payload.buffer);
  if (view.getUint32(sleep - textStart, true) !== WFI)
    throw new Error("the payload does not lie where its ELF file says");
  view.setUint32(sleep - textStart, jump(sleep, address), true);
  payload.set(code, address - textStart);
  return { payload, log };
}

/** What the recorder noted, from the machine's RAM. The one that is going on has no end yet and is left out. */
export function sleepsIn(ram: Uint8Array, log: SleepLog): Sleep[] {
  const view = new DataView(ram.buffer, ram.byteOffset);
  const count = view.getUint32(COUNT_ADDRESS - RAM_BASE, true);
  if (count > log.entries) throw new Error(`the machine slept ${count} times; the log holds ${log.entries}`);
  const entry = (i: number): Sleep => ({
    from: view.getUint32(log.address - RAM_BASE + 8 * i, true),
    to: view.getUint32(log.address - RAM_BASE + 8 * i + 4, true),
  });
  return Array.from({ length: count }, (_, i) => entry(i)).filter(({ from, to }) => to >= from);
}
