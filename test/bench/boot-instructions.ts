// How many instructions a boot takes. QEMU's `-icount shift=3,sleep=off` makes every instruction 8 ns of virtual time,
// so the machine's own clock counts them. While the machine sleeps (WFI) that clock jumps to the next timer, so sleeps
// are taken off. docs/benchmarks.md says what that means and what it doesn't.

import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildImage, type SigningKey, slotParts } from "@flipside/image-format";
import { imageFields } from "../../apps/agent/build/image-fields.ts";
import { type LinkedProgram, symbolsOf } from "../../apps/agent/build/link.ts";
import { unikernelTarget } from "@flipside/machine/factory/targets";
import { unikernelLayout, type ZoneName } from "@flipside/machine/factory/flash-layout";
import { GdbClient } from "@flipside/machine/qemu/gdb-client";
import { DeviceSnapshot, microsecondsOf } from "./device-snapshot.ts";
import { findInstruction } from "./find-instruction.ts";
import { payloadThatRecordsSleeps, type SleepLog, sleepsIn } from "./recorded-sleeps.ts";

const NANOSECONDS_PER_INSTRUCTION = 8;
const NANOSECONDS_PER_TICK = 100;
/** EXO_APP_SLICE_PERIOD_MS, in ticks of mtime. */
const SLICE_TICKS = 10_000_000;
/** mtime's low word, at 10 MHz. */
const RECORDED_US_MAX = 2 ** 32 / 10;
const BOOT_TIMEOUT_MS = 60_000;

const ofTicks = (ticks: number): number => (ticks * NANOSECONDS_PER_TICK) / NANOSECONDS_PER_INSTRUCTION;
const ofMicroseconds = (us: number): number => (us * 1000) / NANOSECONDS_PER_INSTRUCTION;

/**
 * Until the boot loader says "verified", and until the app's start() has returned. The machine does not sleep before
 * either, and nothing comes in from outside: the counts repeat.
 *
 * The second has no console line: the debugger waits until `next_tick` (exokernel/app_slice.c) is written, which is the
 * time when start() returned plus one period. Its own stop lets the clock jump, but after that.
 */
export async function countToApp(
  snapshot: DeviceSnapshot,
  program: LinkedProgram,
): Promise<{ verified: number; app: number }> {
  const symbols = await symbolsOf(program.elfPath);
  const nextTick = symbols.get("next_tick");
  if (nextTick === undefined) throw new Error("the image has no symbol next_tick");
  const wrapper = join(snapshot.folder, "qemu-with-gdb");
  const unikernel = snapshot.restore({ countInstructions: true, qemuPath: wrapper });
  const socketPath = join(unikernel.options.folder, "bench-gdb.sock");
  // QEMU halted before its first instruction, with a gdb stub: a wrapper, since the runner has no option for it.
  writeFileSync(wrapper, `#!/bin/sh\nexec qemu-system-riscv32 "$@" -S -gdb unix:${socketPath},server=on,wait=off\n`);
  chmodSync(wrapper, 0o755);
  const line = unikernel.waitForLine(/\] verified /, BOOT_TIMEOUT_MS);
  line.catch(() => {});
  unikernel.powerOn();
  const gdb = await GdbClient.connect(socketPath);
  try {
    await gdb.setBreakpoint(await findInstruction(program.elfPath, /^csrs\s+mie,/, /^kernel_main\b/));
    await gdb.continueUntilStop();
    const ticks = Number(Buffer.from(await gdb.readMemory(nextTick, 8)).readBigUInt64LE(0));
    return { verified: ofMicroseconds(microsecondsOf(await line)!), app: ofTicks(ticks - SLICE_TICKS) };
  } finally {
    gdb.close();
    await unikernel.cutPower();
  }
}

export interface SleepRecorder {
  device: DeviceSnapshot;
  log: SleepLog;
}

/**
 * The device of `snapshot` with an image that records its sleeps in slot A, booted once so that boot control knows it.
 * A server has to be up.
 */
export async function sleepRecorder(options: {
  snapshot: DeviceSnapshot;
  releaseKey: SigningKey;
  folder: string;
}): Promise<SleepRecorder> {
  const { snapshot, folder } = options;
  const signingKeys = [options.releaseKey.privateJwk];
  const fields = imageFields(unikernelTarget, { version: "1.0.0", releaseSequence: 1 });
  const { payload, log } = await payloadThatRecordsSleeps(folder);
  const image = await buildImage({ fields, payload, signingKeys });
  const unikernel = snapshot.restore();
  const flash = readFileSync(unikernel.flashPath);
  const zone = (name: ZoneName): Buffer => {
    const { offsetBytes, sizeBytes } = unikernelLayout.zones[name];
    return flash.subarray(offsetBytes, offsetBytes + sizeBytes);
  };
  zone("bootControl").fill(0xff);
  zone("slotA").fill(0xff);
  for (const part of await slotParts(image, unikernelLayout.sectorBytes)) zone("slotA").set(part.bytes, part.offset);
  writeFileSync(unikernel.flashPath, flash);
  const proven = unikernel.waitForLine(/\] session proven/, BOOT_TIMEOUT_MS);
  unikernel.powerOn();
  try {
    await proven;
  } finally {
    await unikernel.cutPower();
  }
  return { device: DeviceSnapshot.take(unikernel, join(folder, "records-sleeps")), log };
}

export interface MqttCount {
  instructions: number;
  sleeps: number;
  /** What the clock counted while the machine slept. */
  sleptInstructions: number;
}

/**
 * Until the agent says "mqtt connected", of a device from `sleepRecorder`. A server has to be up. Answers come in the
 * host's time, so that this differs from run to run. Undefined when the machine slept so long that the recorder's
 * 32-bit times went round: a host that is slow to answer makes hundreds of seconds of virtual time.
 */
export async function countToMqtt(recorder: SleepRecorder): Promise<MqttCount | undefined> {
  const unikernel = recorder.device.restore({ countInstructions: true });
  const connected = unikernel.waitForLine(/\] mqtt connected/, BOOT_TIMEOUT_MS);
  unikernel.powerOn();
  try {
    const us = microsecondsOf(await connected)!;
    await unikernel.stop(); // and RAM stays
    if (us > RECORDED_US_MAX) return undefined;
    const sleeps = sleepsIn(readFileSync(join(unikernel.options.folder, "ram.bin")), recorder.log).filter(
      ({ to }) => (to * NANOSECONDS_PER_TICK) / 1000 <= us,
    );
    const slept = ofTicks(sleeps.reduce((sum, { from, to }) => sum + to - from, 0));
    return { instructions: ofMicroseconds(us) - slept, sleeps: sleeps.length, sleptInstructions: slept };
  } finally {
    await unikernel.cutPower();
  }
}
