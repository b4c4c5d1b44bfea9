// What the driver's C leaves of an operation at which power is cut (exokernel/flash_faults.c) is what the model leaves
// that hosts in TypeScript use (packages/machine/src/faults), case by case: every tear, of programs and erases, with
// and without marginal bits. The C is that of test builds, compiled for this machine;
// test/power-cut/driver-cuts.test.ts has it in QEMU.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { MARGINAL_SEED, MarginalBits } from "@flipside/machine/faults/marginal-bits";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import type { FlashOperation } from "@flipside/machine/faults/flash-operation";
import { applyTorn, type Tear, tears } from "@flipside/machine/faults/torn-operation";
import { buildProgram, hostCompiler, RUN_MS_MAX } from "./host-build.ts";

const BANK_BYTES = 16_384;
const SECTOR_BYTES = 4096;
const CASES_EACH = 20;

interface Case {
  tear: Tear;
  seed: number;
  leavesMarginal: boolean;
  marginal: [offset: number, mask: number][];
  operation: FlashOperation;
  bank: Uint8Array;
}

const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);

function makeCase(tear: Tear, kind: FlashOperation["kind"], random: SeededRandom): Case {
  const bank = Uint8Array.from({ length: BANK_BYTES }, (_, i) => (i & 256 ? 0xff : random.next() & 0xff));
  const length = kind === "erase" ? SECTOR_BYTES : 4 * (1 + random.below(random.below(2) === 0 ? 16 : 1024));
  const page = SECTOR_BYTES * random.below(BANK_BYTES / SECTOR_BYTES);
  const offset = page + (kind === "erase" ? 0 : 4 * random.below((SECTOR_BYTES - length) / 4 + 1));
  const marginal = new Map<number, number>();
  // Some in what the operation changes, some elsewhere.
  for (let n = random.below(4); n > 0; n--) marginal.set(offset + random.below(length), 1 << random.below(8));
  for (let n = random.below(4); n > 0; n--) marginal.set(random.below(BANK_BYTES), 1 << random.below(8));
  const data = kind === "program" ? { data: Uint8Array.from({ length }, () => random.next() & 0xff) } : {};
  const operation: FlashOperation = { kind, offset, length, ...data };
  return { tear, seed: random.next(), leavesMarginal: random.below(2) === 1, marginal: [...marginal], operation, bank };
}

function encode({ tear, seed, leavesMarginal, marginal, operation, bank }: Case): Uint8Array {
  const { kind, offset, length, data } = operation;
  return Buffer.concat([
    words(tears.indexOf(tear), seed, leavesMarginal ? 1 : 0, marginal.length, ...marginal.flat()),
    words(kind.toUpperCase().charCodeAt(0), offset, length),
    bank,
    data ?? new Uint8Array(0),
  ]);
}

function modelled(each: Case): Pick<Case, "bank" | "marginal"> {
  const { tear, seed, leavesMarginal, marginal, operation, bank } = each;
  const { offset, length } = operation;
  const bits = new MarginalBits(new SeededRandom((seed ^ MARGINAL_SEED) >>> 0), marginal);
  bits.overwritten(operation);
  if (leavesMarginal) bits.leave(operation, bank.slice(offset, offset + length));
  const left = bank.slice();
  applyTorn(left, operation, tear, new SeededRandom(seed));
  return { bank: left, marginal: [...bits.masks].sort(([a], [b]) => a - b) };
}

const hasCompiler = hostCompiler() !== undefined;
if (!hasCompiler) console.log("skipped: the driver's power cuts, in C: no cc, gcc or clang for this machine");

it.skipIf(!hasCompiler)("the driver's C leaves what the model leaves, case by case", { timeout: 60_000 }, () => {
  const seed = seedOfRun();
  console.log(`tears: FLIPSIDE_SEED=${seed}`);
  const random = new SeededRandom(seed);
  const both = tears.flatMap((tear) => [
    { tear, kind: "program" as const },
    { tear, kind: "erase" as const },
  ]);
  const makeCases = (tear: Tear, kind: FlashOperation["kind"]): Case[] =>
    Array.from({ length: CASES_EACH }, () => makeCase(tear, kind, random));
  const cases = both.flatMap(({ tear, kind }) => makeCases(tear, kind));
  const folder = mkdtempSync(join(tmpdir(), "flipside-tears-"));
  try {
    const program = join(folder, "tears");
    expect(buildProgram("tears.c", program)).toBeUndefined();
    const input = Buffer.concat([words(cases.length), ...cases.map(encode)]);
    const maxBuffer = 2 * input.length + 65_536;
    const { status, stdout, stderr } = spawnSync(program, { input, timeout: RUN_MS_MAX, maxBuffer });
    expect(`${status}: ${stderr.toString()}`).toBe("0: ");
    let at = 0;
    const word = (): number => stdout.readUInt32LE((at += 4) - 4);
    // The C code's numbers are the places in the model's list.
    expect(Array.from({ length: word() }, word)).toEqual(tears.map((_, place) => place));
    cases.forEach((each, n) => {
      const name = `case ${n}: ${each.tear} ${each.operation.kind}`;
      const wanted = modelled(each);
      expect(Buffer.compare(stdout.subarray(at, (at += BANK_BYTES)), wanted.bank), name).toBe(0);
      const marginal = Array.from({ length: word() }, (): [number, number] => [word(), word()]);
      expect(
        marginal.sort(([a], [b]) => a - b),
        name,
      ).toEqual(wanted.marginal);
    });
    expect(at).toBe(stdout.length);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
