// The recovery command on a serial port: a pseudo-terminal, which starts as a terminal does, with echo and line
// editing, and so has to be set up.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { VirtualDevice } from "@flipside/machine/node/virtual-device";
import { recover } from "@flipside/machine/serial/recover-main";
import { deviceWith, flashWith, imageOf, openWorkshop } from "../hosts/virtual-image.ts";
import { destroyBothSlots } from "./bench.ts";

/**
 * Opens a pseudo-terminal, says its name on standard error, and is the wire between its other end and standard in- and
 * output.
 */
const wire = `
import os, pty, select, sys
near, far = pty.openpty()
print(os.ttyname(far), file=sys.stderr, flush=True)
while True:
    for fd in select.select([near, 0], [], [])[0]:
        data = os.read(fd, 4096)
        if not data: sys.exit(0)
        os.write(1 if fd == near else near, data)
`;
const hasPython = spawnSync("python3", ["-c", "import pty"]).status === 0;
if (!hasPython) console.log("skipped: python3, which opens the pseudo-terminal, is not installed");

const folder = mkdtempSync(join(tmpdir(), "flipside-port-"));
let device: VirtualDevice;
let image: Uint8Array;
let child: ChildProcess | undefined;
beforeAll(async () => {
  const workshop = await openWorkshop();
  image = await imageOf(workshop, { agent: "quiet-agent" });
  const flash = await flashWith(workshop, image);
  await destroyBothSlots(workshop.layout, flash, image);
  device = deviceWith(workshop, "on-a-port", { bytes: flash }, { isolation: "in-process" });
  writeFileSync(join(folder, "good.image"), image);
});
afterAll(async () => {
  child?.kill();
  await device?.cutPower();
  rmSync(folder, { recursive: true, force: true });
});

test.skipIf(!hasPython)("a device on a serial port is recovered", async () => {
  child = spawn("python3", ["-c", wire], { stdio: ["pipe", "pipe", "pipe"] });
  const port = await new Promise<string>((resolve) => createInterface({ input: child!.stderr! }).once("line", resolve));
  child.stdout!.on("data", (bytes: Buffer) => device.serial.write(bytes));
  device.serial.on("data", (bytes: Buffer) => child!.stdin!.write(bytes));
  const up = device.waitForLine(/agent up/, 30_000);
  device.powerOn();
  let said = "";
  const status = await recover(["--serial", port, "--wait", "20", join(folder, "good.image")], {
    out: (text) => void (said += text),
    error: (text) => void (said += text),
  });
  expect(said).toMatch(/stored in slot [ab] as a candidate/);
  expect(status).toBe(0);
  await up;
});

test("what is no serial port is said to be none", async () => {
  let said = "";
  const status = await recover(["--serial", join(folder, "good.image"), join(folder, "good.image")], {
    out: () => {},
    error: (text) => void (said += text),
  });
  expect(status).toBe(1);
  expect(said).toContain("can't be set up as a serial port");
});
