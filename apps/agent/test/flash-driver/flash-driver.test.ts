// The flash driver against chips that are slow, fail, say nothing, or say done and do not hold; what modules may do
// with flash; and what the PMP's entries then allow, by the architecture's own rules. The C is the device's, compiled
// for this machine.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { buildChecks, hostCompiler, RUN_MS_MAX } from "./host-build.ts";

if (hostCompiler() === undefined)
  console.log("skipped: the flash driver's checks are compiled for this machine, which has no cc, gcc or clang");

it.skipIf(hostCompiler() === undefined)("flash driver, zones and PMP hold what they say", { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "flipside-flash-driver-"));
  try {
    expect(buildChecks(join(folder, "checks"))).toBeUndefined();
    const { status, stdout } = spawnSync(join(folder, "checks"), { encoding: "utf8", timeout: RUN_MS_MAX });
    expect(stdout).toMatch(/^\d{3,} checks, 0 failed\n$/);
    expect(status).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
