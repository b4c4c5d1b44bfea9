// The boot loader's module is kept inside its memory as an image's are: by its base, and by what the PMP denies behind
// the end of RAM.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { memoryPages } from "@flipside/machine/factory/targets";
import { bootBank } from "@flipside/machine/factory/boot-bank";
import { agentSources } from "../../build/paths.ts";
import { compileWasm, translateToC } from "../../build/compile-module.ts";
import { linkProgram } from "../../build/link.ts";
import { beside, buildTestProgram, runDevice, type TestProgram } from "./device.ts";

/** RAM_END of exokernel/machine.h, where the module's memory ends. */
const RAM_END = 0x80080000;

let built: TestProgram;
beforeAll(async () => {
  const entry = beside(import.meta.url, "assembly/reaching-boot.ts");
  const wasm = await compileWasm({ name: "boot", entry, memoryPages: memoryPages.boot });
  const folder = await translateToC("boot", wasm, memoryPages.boot);
  const loader = await linkProgram("loader", [{ name: "boot", folder, memoryPages: memoryPages.boot }]);
  const whole = await buildTestProgram({
    agentEntry: `${agentSources}/agent/main.ts`,
    appEntry: `${agentSources}/app/main.ts`,
    extraFiles: [],
  });
  built = { ...whole, bootBank: bootBank(new Uint8Array(readFileSync(loader.binaryPath)), [new Uint8Array(32)]) };
});
afterAll(() => built?.remove());

test("a loader that reads behind its memory traps, by its address or where the PMP denies it", async () => {
  const { lines } = await runDevice(built, () => {}, /crash: out of bounds/);
  const fault = /^crash: load access fault module 1 code \d+ mepc \w+ mtval (\w+)$/;
  expect(lines.slice(0, 2)).toEqual(["read 4711", expect.stringMatching(fault)]);
  expect(Number.parseInt(fault.exec(lines[1]!)![1]!, 16)).toBe(RAM_END - 4 + 4000);
  expect(lines.slice(2, 4)).toEqual(["read 4711", expect.stringMatching(/^crash: out of bounds module 1 /)]);
});
